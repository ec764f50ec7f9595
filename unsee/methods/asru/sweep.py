"""Which layer to steer, and how far: for each, how well the direction separates, and how forgetting and keeping come
out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tqdm.auto import tqdm

from unsee.errors import UserError
from unsee.methods.asru.config import ASRUConfig
from unsee.methods.asru.held_out import HeldOut, Said, reward_of
from unsee.methods.asru.prompts import Prompts
from unsee.methods.asru.rewards import BOUNDARY, FORGET
from unsee.methods.asru.steering import Steering, aim
from unsee.models.deltas import remove_delta
from unsee.models.vlm import VisionLanguageModel

CANDIDATES = 8
"""Most layers that are tried where none is given."""
_NEARLY = 0.01
"""By how much a reward may be lower and still count as the best: some prompts to retain, or less than one to forget."""
_BYTES = 2 << 30
"""Memory for what the ridge solver sums up over the layers that are solved from one reading."""


@dataclass(frozen=True)
class SweptLayer:
    """One layer at one strength, measured on prompts that stage 1 was not solved with.

    auc, fisher: how well the direction separates (see `Separation`); None where no unseen prompts are held out.
    missed, drift: how well the change fits the prompts it was solved with (see `Steering`). leaked, refused: shares of
    the answers to forget prompts that hold the truth, and that refuse. kept: share of the answers to retain prompts
    that hold the truth. reward: what stage 2 validates with.
    """

    layer: int
    strength: float
    rank: int | None
    auc: float | None
    fisher: float | None
    missed: float
    drift: float
    leaked: float
    refused: float
    kept: float
    reward: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def sweep_layers(
    vlm: VisionLanguageModel,
    prompts: Prompts,
    held_out: Prompts,
    asked: HeldOut,
    config: ASRUConfig,
    layers: Sequence[int],
    seed: int,
    *,
    progress: bool = True,
) -> Iterator[tuple[SweptLayer, Steering]]:
    """Solve stage 1 at each of `layers` and ask the held-out prompts each time; between, the model is as before.

    Of several strengths the one for each layer that `strongest` takes; they are asked until the reward falls.

    Raises UserError if no prompts are held out, or stage 1 cannot be solved.
    """
    if not asked.forget or not asked.retain:
        raise UserError(
            "asru chooses its layer and strength with held-out prompts to forget and to retain, and there are not "
            "enough; give at least two prompts of each, or set both, as in layer=0.5 and strength=2."
        )
    with tqdm(total=len(layers), desc="layers", disable=not progress) as bar:
        for group in _groups(vlm, layers):
            for aimed in aim(vlm, prompts, held_out, config, group, seed, asked.cache).values():
                tried: list[tuple[SweptLayer, Steering]] = []
                for strength in config.strengths:
                    steering = aimed.steering(strength)
                    steering.apply(vlm)
                    try:
                        said = asked.ask(vlm)
                    finally:
                        remove_delta(vlm)
                    tried.append((_swept(steering, said), steering))
                    if not _nearly_best(tried[-1][0], tried):
                        break
                row, steering = strongest(tried)
                # Only now, because it reads all prompts once more.
                steering = aimed.measured(steering)
                yield replace(row, missed=steering.missed, drift=steering.drift), steering
                bar.update()


def strongest(tried: Sequence[tuple[SweptLayer, Steering]]) -> tuple[SweptLayer, Steering]:
    """Of several strengths at a layer the greatest that earns nearly the most.

    The held-out prompts to forget are about pictures that the change was solved with, and those to retain about others:
    where both tell no difference, the former promise too much.
    """
    return [pair for pair in tried if _nearly_best(pair[0], tried)][-1]


def chosen(swept: Iterable[tuple[SweptLayer, Steering]]) -> Steering:
    """What was found for the best layer."""
    return max(swept, key=lambda pair: _rank(pair[0]))[1]


def best(rows: Iterable[SweptLayer]) -> SweptLayer:
    """The one with the highest reward; of equals the earliest, which leaves most of the model to what follows."""
    return max(rows, key=_rank)


def candidates(depth: int) -> list[int]:
    """The layers to try in a model of `depth` layers: at most eight, evenly over the upper two thirds.

    Below, a picture is not yet somebody.
    """
    start = depth // 3
    count = min(CANDIDATES, depth - start)
    return sorted({start + round(n * (depth - 1 - start) / max(1, count - 1)) for n in range(count)})


def _nearly_best(row: SweptLayer, tried: Sequence[tuple[SweptLayer, Steering]]) -> bool:
    return row.reward >= max(other.reward for other, _ in tried) - _NEARLY


def _rank(row: SweptLayer) -> tuple[float, int]:
    return row.reward, -row.layer


def _swept(steering: Steering, said: Mapping[str, Said]) -> SweptLayer:
    apart = steering.separation
    return SweptLayer(
        layer=steering.layer,
        strength=steering.strength,
        rank=steering.rank,
        auc=None if apart is None else apart.auc,
        fisher=None if apart is None else apart.fisher,
        missed=steering.missed,
        drift=steering.drift,
        leaked=said[FORGET].told,
        refused=said[FORGET].refused,
        kept=said[BOUNDARY].told,
        reward=reward_of(said),
    )


def _groups(vlm: VisionLanguageModel, layers: Sequence[int]) -> list[Sequence[int]]:
    """Layers whose sums fit into memory together."""
    width = vlm.decoder_layers[0].get_submodule(vlm.layout.mlp_down).in_features
    assert isinstance(width, int)
    size = layers_at_once(width)
    return [layers[start : start + size] for start in range(0, len(layers), size)]


def layers_at_once(width: int) -> int:
    """How many layers the ridge solver sums up at once, where the down-projection reads `width` values."""
    # Three sums of x x^T in float64.
    return max(1, _BYTES // (3 * 8 * width**2))
