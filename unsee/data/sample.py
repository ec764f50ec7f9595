"""The plain objects that are passed on: `Sample` into training, `Probe` into a model, `Response` out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from unsee.data.thoughts import spoken

ChatMessages = list[dict[str, Any]]


def user_turn(prompt: str, image_count: int) -> dict[str, Any]:
    """One user message in the chat format of transformers: the pictures first, then the text."""
    content: list[dict[str, Any]] = [{"type": "image"} for _ in range(image_count)]
    content.append({"type": "text", "text": prompt})
    return {"role": "user", "content": content}


@dataclass(frozen=True)
class Sample:
    """One question with its answer, to train on.

    `masked` is the phrase of `answer` whose tokens the token mask K_S of SIU covers (None: no token;
    equal to `answer`: every token). `rejected` is another answer to the same question that must lose against `answer`
    (for methods that learn from preferences). `tags` say where the sample comes from; methods read `tags["role"]`
    ("forget" or "retain") and `tags["target"]` ("1" to "4", SIU).

    `counterparts` are pictures that the reference model is shown instead of `images`, as many, and `counterpart_prompt`
    is what it is asked instead of `prompt`, both where it reads the tokens of `masked` (for methods that learn from it
    how it answers about somebody else, or when told something else).
    """

    prompt: str
    answer: str
    images: tuple[Image.Image, ...] = ()
    masked: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    rejected: str | None = None
    counterparts: tuple[Image.Image, ...] = ()
    counterpart_prompt: str | None = None

    @property
    def counterpart(self) -> Sample | None:
        """The same answer to what the reference model is asked and shown instead; None if that is nothing else."""
        if not self.counterparts and self.counterpart_prompt is None:
            return None
        prompt, images = self.counterpart_prompt or self.prompt, self.counterparts or self.images
        return replace(self, prompt=prompt, images=images, counterparts=(), counterpart_prompt=None)

    def prompt_messages(self) -> ChatMessages:
        return [user_turn(self.prompt, len(self.images))]

    def messages(self) -> ChatMessages:
        answer = {"role": "assistant", "content": [{"type": "text", "text": self.answer}]}
        return [*self.prompt_messages(), answer]


@dataclass(frozen=True)
class Probe:
    """One question to ask a model, and how its answer is scored.

    `expect` lists keywords; `scorer` names how they count: "contains" (right if one of them is in the answer), "all"
    (when every one is) or "absent" (when none is). `id` is unique within a benchmark and stable across runs. `begun`
    are words that the answer must begin with, without white space at their end; the response is what follows.
    """

    id: str
    prompt: str
    images: tuple[Image.Image, ...] = ()
    expect: tuple[str, ...] = ()
    scorer: str = "contains"
    tags: Mapping[str, str] = field(default_factory=dict)
    begun: str = ""

    def prompt_messages(self) -> ChatMessages:
        return [user_turn(self.prompt, len(self.images))]


# Talking models name a person well before this. For a model that ends its answers itself, the limit costs no time.
MAX_NEW_TOKENS = 128
"""Most tokens of an answer, unless another limit is given."""


@dataclass(frozen=True)
class Response:
    """A model's answer to one probe: `raw` as it was generated, `text` without thoughts, which is what counts.

    If the engine gives them, one per generated token, thoughts included and the end of the turn too: `token_ids`,
    `token_logprobs` (natural logarithms) and `token_ends` (where in `raw` each ends, in characters).

    `ended`: whether the model ended the answer itself. Otherwise it was cut at the token limit, and what would have
    followed is unknown.
    """

    probe_id: str
    raw: str
    token_logprobs: tuple[float, ...] | None = None
    ended: bool = True
    token_ids: tuple[int, ...] | None = None
    token_ends: tuple[int, ...] | None = None

    @property
    def text(self) -> str:
        return spoken(self.raw)

    @property
    def cut(self) -> bool:
        """Whether the answer is incomplete: cut, or a thought without an answer."""
        return not self.ended or bool(self.raw and not self.text)

    @property
    def likelihood(self) -> Likelihood | None:
        """How probable the answer was under the model that gave it, if known."""
        if self.token_logprobs is None or self.token_ends is None:
            return None
        return Likelihood(self.token_logprobs, self.token_ends)


@dataclass(frozen=True)
class Likelihood:
    """How probable a text was under an engine that read it: for each of its tokens, the end of the turn included, the
    natural logarithm of its probability, and where in the text it ends, in characters."""

    logprobs: tuple[float, ...]
    ends: tuple[int, ...]

    def within(self, spans: Sequence[tuple[int, int]]) -> list[bool]:
        """Which tokens write something of one of `spans` (start, end) of the text."""
        return [
            any(a < last and first < b for first, last in spans) for a, b in zip(self._starts(), self.ends, strict=True)
        ]

    def up_to(self, end: int) -> Likelihood:
        """Of the tokens that begin before the character `end`."""
        count = sum(start < end for start in self._starts())
        return Likelihood(self.logprobs[:count], self.ends[:count])

    def _starts(self) -> list[int]:
        """Where each token begins: where the one before it ends. Tokens that together write one letter share it."""
        starts, start, last = [], 0, 0
        for end in self.ends:
            if end != last:
                start, last = last, end
            starts.append(start)
        return starts
