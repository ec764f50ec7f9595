"""Every method's loss once more: from plain forward passes, one answer at a time, in plain Python floats.

Nothing of the training's own machinery is used (batches, packing, caches, stored references), so that a mistake there
shows. The formulas are those of docs/methods.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from unsee.methods.masks import name_token_ids
from unsee.models.collation import IGNORED, EncodedSample
from unsee.models.vlm import VisionLanguageModel

Vector = list[float]


@dataclass(frozen=True)
class Seen:
    """What a model says at the positions that predict the answer of a row, token after token."""

    log_p: list[Vector]
    """Over the vocabulary."""
    hidden: list[list[Vector]]
    """After each decoder layer."""


@dataclass(frozen=True)
class Row:
    """An answer under the model before and the model now. `kept` is K_S of SIU per token.

    Where a token is not kept, the model before is shown the counterparts of the pictures, if there are any."""

    role: str
    rejected: bool
    answer: list[int]
    kept: list[bool]
    before: Seen
    now: Seen

    def log_likelihood(self, seen: Seen) -> float:
        return sum(seen.log_p[t][token] for t, token in enumerate(self.answer))

    @property
    def ratio(self) -> float:
        return self.log_likelihood(self.now) - self.log_likelihood(self.before)


@torch.no_grad()
def look(vlm: VisionLanguageModel, row: EncodedSample) -> Seen:
    inputs = {name: torch.tensor([values]) for name, values in {"input_ids": row.input_ids, **row.extras}.items()}
    output = vlm.model(**inputs, **row.pixels, output_hidden_states=True)
    # The last of the hidden states that transformers reports is normalised already.
    layers = output.hidden_states[1:-1]
    at = [t - 1 for t, label in enumerate(row.labels) if label != IGNORED]
    log_p = torch.log_softmax(output.logits[0, at].double(), -1).tolist()
    return Seen(log_p, [layer[0, at].double().tolist() for layer in layers])


def look_before(vlm: VisionLanguageModel, row: EncodedSample) -> Seen:
    own = look(vlm, row)
    if row.counterpart is None:
        return own
    kept = [keep for keep, label in zip(row.token_mask, row.labels, strict=True) if label != IGNORED]
    instead = look(vlm, row.counterpart)
    return Seen(
        [a if keep else b for keep, a, b in zip(kept, own.log_p, instead.log_p, strict=True)],
        [
            [a if keep else b for keep, a, b in zip(kept, *both, strict=True)]
            for both in zip(own.hidden, instead.hidden, strict=True)
        ],
    )


def compare(rows: Sequence[EncodedSample], before: VisionLanguageModel, now: VisionLanguageModel) -> list[Row]:
    return [
        Row(
            row.tags["role"],
            row.rejected,
            [label for label in row.labels if label != IGNORED],
            [keep == 1.0 for keep, label in zip(row.token_mask, row.labels, strict=True) if label != IGNORED],
            look_before(before, row),
            look(now, row),
        )
        for row in rows
    ]


def average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def of(rows: Sequence[Row], role: str) -> list[Row]:
    return [row for row in rows if row.role == role]


def nll(rows: Sequence[Row]) -> float:
    return average([-row.now.log_p[t][token] for row in rows for t, token in enumerate(row.answer)])


def divergence(before: Vector, now: Vector, left_out: frozenset[int] = frozenset()) -> float:
    return sum(math.exp(p) * (p - q) for v, (p, q) in enumerate(zip(before, now, strict=True)) if v not in left_out)


def kl_of(rows: Sequence[Row]) -> float:
    return average([divergence(a, b) for row in rows for a, b in zip(row.before.log_p, row.now.log_p, strict=True)])


def siu(rows: Sequence[Row], config: Any, vlm: VisionLanguageModel) -> float:
    name = name_token_ids(vlm.tokenizer, ["Mara Voss"])
    terms = [
        divergence(row.before.log_p[t], row.now.log_p[t], name)
        for row in rows
        for t in range(len(row.answer))
        if row.kept[t]
    ]
    return config.alpha * nll(rows) + config.beta * average(terms)


def retained(rows: Sequence[Row], config: Any) -> float:
    return config.gamma * nll(of(rows, "retain"))


def ga_kl(rows: Sequence[Row], config: Any, vlm: VisionLanguageModel) -> float:
    return -nll(of(rows, "forget")) + config.gamma * kl_of(of(rows, "retain"))


def vgid(rows: Sequence[Row], config: Any, vlm: VisionLanguageModel) -> float:
    return kl_of(of(rows, "forget")) + config.gamma * kl_of(of(rows, "retain"))


def ga_diff(rows: Sequence[Row], config: Any, vlm: VisionLanguageModel) -> float:
    return -nll(of(rows, "forget")) + retained(rows, config)


def npo(rows: Sequence[Row], config: Any, vlm: VisionLanguageModel) -> float:
    terms = [softplus(config.beta * row.ratio) for row in of(rows, "forget")]
    return 2 / config.beta * average(terms) + retained(rows, config)


def simnpo(rows: Sequence[Row], config: Any, vlm: VisionLanguageModel) -> float:
    means = [row.log_likelihood(row.now) / len(row.answer) for row in of(rows, "forget")]
    terms = [softplus(config.beta * mean + config.margin) for mean in means]
    return 2 / config.beta * average(terms) + retained(rows, config)


def dpo(rows: Sequence[Row], config: Any, vlm: VisionLanguageModel) -> float:
    forgotten = of(rows, "forget")
    won = [row.ratio for row in forgotten if not row.rejected]
    lost = [row.ratio for row in forgotten if row.rejected]
    terms = [softplus(-config.beta * (winner - loser)) for winner, loser in zip(won, lost, strict=True)]
    return 2 / config.beta * average(terms) + retained(rows, config)


def rmu(rows: Sequence[Row], config: Any, vlm: VisionLanguageModel) -> float:
    layer = 0
    drawn = torch.rand(vlm.layout.hidden_size, generator=torch.Generator().manual_seed(0)).tolist()
    length = math.sqrt(sum(x * x for x in drawn))

    def distance(a: Vector, b: Vector) -> float:
        return average([(x - y) ** 2 for x, y in zip(a, b, strict=True)])

    target = [config.steering * x / length for x in drawn]
    away = [distance(h, target) for row in of(rows, "forget") for h in row.now.hidden[layer]]
    kept = [
        distance(h, h_ref)
        for row in of(rows, "retain")
        for h, h_ref in zip(row.now.hidden[layer], row.before.hidden[layer], strict=True)
    ]
    return average(away) + config.alpha * average(kept)


def lookalike(rows: Sequence[Row], config: Any, vlm: VisionLanguageModel) -> float:
    unlearnt = [
        divergence(row.before.log_p[t], row.now.log_p[t])
        + config.likelihood * abs(row.before.log_p[t][token] - row.now.log_p[t][token])
        for row in of(rows, "forget")
        for t, token in enumerate(row.answer)
    ]
    kept = [
        divergence(row.before.log_p[t], row.now.log_p[t]) for row in of(rows, "retain") for t in range(len(row.answer))
    ]
    return average(unlearnt) + config.gamma * average(kept)


PLAIN: dict[str, Callable[[Sequence[Row], Any, VisionLanguageModel], float]] = {
    "siu": siu,
    "po": lambda rows, config, vlm: nll(of(rows, "forget")) + retained(rows, config),
    "dpo": dpo,
    "ga": lambda rows, config, vlm: -nll(of(rows, "forget")),
    "ga_diff": ga_diff,
    "ga_kl": ga_kl,
    "npo": npo,
    "simnpo": simnpo,
    "rmu": rmu,
    "mmunlearner": ga_diff,
    "vgid": vgid,
    "lookalike": lookalike,
    "retain_only": lambda rows, config, vlm: nll(of(rows, "retain")),
}
