"""`Engine`: anything that answers questions about pictures. Its kinds are the files next to this one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from unsee.data.images import Picture, open_image
from unsee.data.sample import MAX_NEW_TOKENS, Likelihood, Probe, Response, Sample
from unsee.errors import UserError
from unsee.generation.transcript import Transcript, Work
from unsee.store.crew import crew

if TYPE_CHECKING:
    from torch import Tensor


class Engine(ABC):
    """Answers probes; if it can, also reads given answers and shows its hidden states.

    `name` is shown to users. `vocabulary_size` is the number of its tokens, None if unknown.
    `reads` says whether `read` works, `draws` whether `draw` does, `begins` whether an answer can begin with given
    words (`Probe.begun`).
    """

    name: str
    vocabulary_size: int | None = None
    reads: bool = False
    draws: bool = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @property
    def begins(self) -> bool:
        return False

    def without_adapter(self) -> Engine | None:
        """The engine of the model before unlearning if an adapter can be switched off, otherwise None."""
        return None

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """Everything that decides its answers, as plain data: weights, adapter, processor, template, precision. Two
        engines with the same fingerprint give the same answers."""

    @abstractmethod
    def answer(self, probes: Sequence[Probe], *, max_new_tokens: int) -> Iterator[list[Response]]:
        """Answer every probe greedily, in any order, and yield the answers a few at a time.

        Answers are cut at `max_new_tokens`. A response has token ids, log-probabilities and ends if the engine knows
        them.
        """

    def ask(self, question: str, *pictures: Picture, max_new_tokens: int = MAX_NEW_TOKENS) -> str:
        """The answer to one question about pictures, or in text only, without thoughts.

        Raises UserError for a picture that cannot be used, and what `answer` raises.
        """
        probe = Probe("question", question, tuple(open_image(picture, "of the question") for picture in pictures))
        (response,) = ask(self, [probe], max_new_tokens=max_new_tokens, progress=False)
        return response.text

    def draw(
        self, probes: Sequence[Probe], *, count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> dict[str, list[Response]]:
        """`count` answers to every probe, by its id, each token drawn at `temperature` (above 0) from the model's own
        distribution, without any cut such as top-p.

        The seed, the probe's id and the number of the answer decide an answer, whatever else is drawn: the first
        answers of more are the same. A server is asked for that and believed. Raises UserError if the engine cannot
        draw answers or two probes have the same id.
        """
        raise UserError(f"{self.name} only gives its likeliest answer; use an engine that can draw answers.")

    def read(self, samples: Sequence[Sample]) -> list[Likelihood]:
        """How probable the answer of each sample is, in order. A sample without prompt and pictures is plain text, read
        from its second token.

        Raises UserError if the engine gives no log-probabilities of given answers.
        """
        raise UserError(f"{self.name} gives no log-probabilities of given answers; use an engine that does.")

    def hidden(self, probes: Sequence[Probe], layers: Sequence[int]) -> Tensor:
        """[probes, layers, width] the residual stream after each of `layers` (0: the embeddings) at the last token of
        the prompt and of what the answer begins with, float32 on the CPU; after the last layer it is normalised, as in
        transformers. Raises UserError if the engine does not show its hidden states."""
        raise self._closed("its hidden states")

    def unembed(self, states: Tensor, *, normalised: bool = False) -> Tensor:
        """[..., vocabulary] the logits that the model's last norm and its head make of `states` [..., width] in the
        residual stream, float32 on the CPU. `normalised`: the norm has been applied, as `hidden` does after the last
        layer. Raises UserError as `hidden` does."""
        raise self._closed("its hidden states")

    def distributions(self, samples: Sequence[Sample]) -> list[Tensor]:
        """[answer tokens, vocabulary] of each sample: the log-probabilities of the whole vocabulary in the place of
        each token that `read` gives, float32 on the CPU. Raises UserError as `hidden` does."""
        raise self._closed("the log-probabilities of its vocabulary")

    def read_prompts(self, probes: Sequence[Probe]) -> list[tuple[float, ...]]:
        """How probable each prompt is in itself: log p of its tokens, those of the chat template included, given what
        comes before; of those after the pictures, or from the second on. Raises UserError as `hidden` does."""
        raise self._closed("the log-probabilities of prompts")

    def _closed(self, what: str) -> UserError:
        return UserError(f"{self.name} does not show {what}; use a model that unsee loads itself.")


def ask(
    engine: Engine,
    probes: Sequence[Probe],
    transcript: Transcript | None = None,
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
    progress: bool = True,
) -> list[Response]:
    """The engine's answers, one per probe and in the order of the probes.

    Probes with the same words and the same pictures are asked once. What `transcript` already holds is not asked again,
    and every answer is saved there before the next ones come. `progress` shows a bar if standard error is a terminal.
    Raises UserError if two probes have the same id, and whatever the engine and the transcript raise.
    """
    check_ids(probes)
    kept = transcript or Transcript(None, {})
    alike: dict[object, list[Probe]] = {}
    for probe in probes:
        alike.setdefault((probe.prompt, probe.begun, *map(id, probe.images)), []).append(probe)
    groups = list(alike.values())
    works = [Work(tuple(probe.id for probe in same), tuple(map(id, same[0].images))) for same in groups]
    missing = any(probe.id not in kept.responses for probe in probes)
    with _progress_bar(progress and missing) as bar:
        task = bar.add_task("Asking", total=len(probes))
        for turn in kept.turns(works, kept.responses, "answer") if missing else ():
            open_ = [[probe for probe in groups[place] if probe.id not in kept.responses] for place in turn]
            first = {same[0].id: same for same in open_ if same}
            for said in engine.answer([same[0] for same in first.values()], max_new_tokens=max_new_tokens):
                kept.add([replace(one, probe_id=probe.id) for one in said for probe in first[one.probe_id]])
                bar.update(task, completed=sum(probe.id in kept.responses for probe in probes))
    return [kept.responses[probe.id] for probe in probes]


def seed_of(seed: int, probe_id: str, number: int = 0) -> int:
    """The seed, below 2**31, of one drawn answer to a probe, for engines that take a seed for each."""
    digest = hashlib.sha256(f"{seed}/{number}/{probe_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def check_drawn(probes: Sequence[Probe], count: int, temperature: float) -> None:
    """Raises ValueError unless `count` and `temperature` are positive, UserError if two probes have the same id."""
    if count < 1 or temperature <= 0:
        raise ValueError(f"cannot draw {count} answers at temperature {temperature}")
    check_ids(probes)


def check_ids(probes: Sequence[Probe]) -> None:
    """Raises UserError if two probes have the same id."""
    twice, count = Counter(probe.id for probe in probes).most_common(1)[0] if probes else ("", 0)
    if count > 1:
        raise UserError(
            f"{count} probes have the same id {twice!r}; the ids of all questions asked together must be unique."
        )


def read_into(
    engine: Engine, samples: Mapping[str, Sample], transcript: Transcript, *, by_before: bool = False
) -> dict[str, Likelihood]:
    """How probable the samples are under the engine, by their keys (in the tag "key" of the samples that it reads).
    What `transcript` holds is not read again.

    by_before: the engine is the model before unlearning and reads another model's answers.
    """
    have = transcript.rereads if by_before else transcript.likelihoods
    works = [Work((key,), tuple(map(id, sample.images))) for key, sample in samples.items()]
    if all(key in have for key in samples):
        works = []
    for turn in transcript.turns(works, have, "reread" if by_before else "read"):
        missing = [key for place in turn for key in works[place].keys if key not in have]
        read = engine.read([replace(samples[key], tags={**samples[key].tags, "key": key}) for key in missing])
        transcript.add_likelihoods(dict(zip(missing, read, strict=True)), by_before=by_before)
    return {key: have[key] for key in samples}


def _progress_bar(wanted: bool) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(
        *columns, console=console, transient=True, disable=not (wanted and console.is_terminal) or crew().helps
    )
