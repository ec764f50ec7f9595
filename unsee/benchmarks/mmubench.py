"""MMUBench: is a concept forgotten from its pictures, on any picture, and is everything else kept?

Source: "Single Image Unlearning", arXiv 2405.12523, section 4. One `ConceptBenchmark` per concept; `probes` says what
to ask, `likelihoods` adds what only the model can tell; `mmubench_scores.score` turns the answers of one model into
scores.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from unsee import metrics
from unsee.data.sample import Probe, Response, Sample
from unsee.data.visible import Feature
from unsee.generation import sequence_logprobs
from unsee.metrics.naming import words
from unsee.models.vision_cache import VisionCache
from unsee.models.vlm import VisionLanguageModel

# Raised whenever the same answers would get other scores.
VERSION = 3


@dataclass(frozen=True)
class Question:
    """A question about a picture of the concept, and the keyword in the answer of a model that still knows it.

    A keyword that is one of the concept's names stands for all of them. `kind` is "name" (asks for the name), "yes_no"
    (the keyword is "yes") or free for others.
    """

    prompt: str
    keyword: str
    kind: str = "name"


@dataclass(frozen=True)
class ConceptBenchmark:
    """All that is asked about one concept.

    `specificity` maps a group ("recognition", "attributes", "captions", "facts") to probes about everything else;
    `text_facts` are probes about the concept without a picture. `two_people` are probes about pictures of the concept
    next to somebody else: those with scorer "absent" ask whether the concept is renamed, those with "contains" whether
    the other is still named. `verification_others` ask, about pictures of others, whether they are who they are
    ("yes") or somebody else ("no"), in the groups "right_name" and "wrong_name" of their tags; they are no part of
    Specificity. `multi_hop` questions need the concept's identity. `other_names` are names that an answer may give
    instead, for the judge.

    For the quality of answers, where known: `facts` are true of the concept, `other_facts` are facts of the same kinds
    that are not; `visible` says what is to be seen in each of the test pictures. `left_out` lists the pictures that
    could have been asked about and are not, with the reasons.
    """

    concept: str
    train_image: Image.Image
    test_images: tuple[Image.Image, ...]
    questions: tuple[Question, ...]
    aliases: tuple[str, ...] = ()
    specificity: Mapping[str, tuple[Probe, ...]] = field(default_factory=dict)
    text_facts: tuple[Probe, ...] = ()
    two_people: tuple[Probe, ...] = ()
    verification_others: tuple[Probe, ...] = ()
    multi_hop: tuple[Question, ...] = ()
    other_names: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    other_facts: tuple[str, ...] = ()
    visible: tuple[tuple[Feature, ...], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.concept, *self.aliases)

    @property
    def slug(self) -> str:
        """The name as part of a path or an id: "mara-voss"."""
        return slug(self.concept)

    def keywords(self, question: Question) -> tuple[str, ...]:
        """What gives the concept away in an answer to `question`."""
        named = any(metrics.same_name(question.keyword, name) for name in self.names)
        return self.names if named else (question.keyword,)


SLUG_BYTES = 64
"""Most bytes of a name in a path: several fit into the 255 that file systems allow."""


def slug(name: str) -> str:
    """The folded words of a name with hyphens between them, fit for a path; apostrophes part no word, and initials are
    one.

    What has more than `SLUG_BYTES` bytes is cut, and ends in eight hexadecimal digits that tell it apart.
    """
    found = words(re.sub(r"(?<=\w)['’‘](?=\w)", "", name))
    joined = "-".join(word.text for word in found)
    whole = re.sub(r"\b(?:[a-z]-)+[a-z]\b", lambda run: run[0].replace("-", ""), joined).encode()
    if len(whole) <= SLUG_BYTES:
        return whole.decode()
    return f"{whole[: SLUG_BYTES - 9].decode(errors='ignore')}-{hashlib.sha256(whole).hexdigest()[:8]}"


def probes(
    bench: ConceptBenchmark, *, per_image: int | None = None, limit: int | None = None, seed: int = 0
) -> list[Probe]:
    """Everything to ask about one concept, before and after unlearning.

    The training picture gets every question (Efficacy), and so does each test picture (Generality), unless `per_image`
    gives the number of questions to draw for each. `limit` is the most probes of a specificity group, of the text
    facts, of the two-people pictures and of the others to verify. Draws depend on `seed` alone. Tags: "metric",
    "concept", and where they apply "kind", "picture" (its number) and "group".
    """
    asked = [_about(bench, "efficacy", bench.train_image, 0, i) for i in range(len(bench.questions))]
    for picture, image in enumerate(bench.test_images):
        drawn = _draw(range(len(bench.questions)), per_image, f"{seed}/{bench.slug}/{picture}")
        asked += [_about(bench, "generality", image, picture, i) for i in drawn]
    for group, members in bench.specificity.items():
        asked += _kept(bench, "specificity", members, limit, seed, group)
    asked += _kept(bench, "text_facts", bench.text_facts, limit, seed)
    asked += _kept(bench, "two_people", bench.two_people, limit, seed)
    asked += _kept(bench, "verification_others", bench.verification_others, limit, seed)
    return asked


def _about(bench: ConceptBenchmark, metric: str, image: Image.Image, picture: int, number: int) -> Probe:
    question = bench.questions[number]
    return Probe(
        f"{bench.slug}/{metric}/{picture}/{number}",
        question.prompt,
        (image,),
        bench.keywords(question),
        "absent",
        {"metric": metric, "concept": bench.concept, "kind": question.kind, "picture": str(picture)},
    )


def _kept(
    bench: ConceptBenchmark, metric: str, members: Sequence[Probe], limit: int | None, seed: int, group: str = ""
) -> list[Probe]:
    path = f"{bench.slug}/{metric}" + (f"/{group}" if group else "")
    tags = {"metric": metric, "concept": bench.concept} | ({"group": group} if group else {})
    drawn = _draw(members, limit, f"{seed}/{path}")
    return [replace(probe, id=f"{path}/{probe.id}", tags={**probe.tags, **tags}) for probe in drawn]


def _draw(items: Sequence[Any], count: int | None, key: str) -> list[Any]:
    """`count` of the items in their own order, the same ones for the same key; all of them without a count."""
    if count is None or count >= len(items):
        return list(items)
    return [items[i] for i in sorted(random.Random(key).sample(range(len(items)), count))]


@dataclass(frozen=True)
class Likelihoods:
    """What a model's probabilities say, natural logarithms throughout.

    `name`: log p(C) per test picture, where an answer gives the name. `answers`: per answer about a test picture, the
    log-probabilities of its tokens, and `of_concept`: which of them belong to C's name.
    """

    name: npt.NDArray[np.float64]
    answers: tuple[npt.NDArray[np.float64], ...]
    of_concept: tuple[npt.NDArray[np.bool_], ...]
    vocabulary_size: int


def asks_for_name(probe: Probe) -> bool:
    """Is this a question for the concept's name about the training picture? All commands ask it of the model before."""
    return probe.tags["metric"] == "efficacy" and probe.tags["kind"] == "name"


def carrier(bench: ConceptBenchmark, asked: Sequence[Probe], responses: Sequence[Response]) -> str:
    """What the model before unlearning says in front of the name, most often, when asked for it about the training
    picture: "This is ".

    C-Dis looks at the name's probability behind these words under both models. Empty if it never gives the name.
    """
    texts = {response.probe_id: response.text for response in responses}
    fronts: Counter[str] = Counter()
    for probe in asked:
        if asks_for_name(probe) and probe.id in texts:
            found = metrics.mentions(texts[probe.id], bench.names)
            fronts.update(texts[probe.id][:start] for start, _ in found[:1])
    return fronts.most_common(1)[0][0] if fronts else ""


def likelihoods(
    vlm: VisionLanguageModel,
    bench: ConceptBenchmark,
    asked: Sequence[Probe],
    responses: Sequence[Response],
    *,
    carrier: str = "",
    own: bool = True,
    batch_size: int = 32,
    cache: VisionCache | None = None,
) -> Likelihoods:
    """The probabilities behind C-Dis and Fluency, under `vlm` as it is now.

    `carrier` (see the function of that name) must be the same before and after. With `own`, `responses` are answers of
    this very model and their `token_logprobs` are used where they are there; otherwise every answer is read again by
    `vlm`, which may be another model than the one that gave it. `cache`: vision features to share with other calls.
    """
    cache = cache or VisionCache(vlm)
    texts = {response.probe_id: response for response in responses}
    pairs = [(probe, texts[probe.id]) for probe in asked if probe.tags["metric"] == "generality"]
    again = [i for i, (_, response) in enumerate(pairs) if not own or response.token_logprobs is None]
    samples = [Sample(pairs[i][0].prompt, pairs[i][1].raw, pairs[i][0].images) for i in again]
    rows = sequence_logprobs(vlm, samples, batch_size=batch_size, cache=cache) if again else []
    reread = dict(zip(again, rows, strict=True))
    answers, of_concept = [], []
    for i, (_, response) in enumerate(pairs):
        if i in reread:
            # A cut answer is not to be blamed for an end that it never came to.
            logprobs = reread[i].double().numpy()[: None if response.ended else _spoken(vlm, response.raw)]
        else:
            logprobs = np.asarray(response.token_logprobs, dtype=np.float64)
        answers.append(logprobs)
        of_concept.append(_tokens_of(vlm, response.raw, bench.names, len(logprobs)))
    name = _name_logprobs(vlm, bench, carrier, batch_size, cache)
    return Likelihoods(name, tuple(answers), tuple(of_concept), len(vlm.tokenizer))


def _spoken(vlm: VisionLanguageModel, text: str) -> int:
    """The tokens of an answer without those that end its turn."""
    return sum(start < len(text) for start, _ in vlm.encode_answer(text).offsets)


def _name_logprobs(
    vlm: VisionLanguageModel, bench: ConceptBenchmark, carrier: str, batch_size: int, cache: VisionCache
) -> npt.NDArray[np.float64]:
    question = next((q for q in bench.questions if q.kind == "name"), bench.questions[0])
    answer = carrier + bench.concept
    samples = [Sample(question.prompt, answer, (image,)) for image in bench.test_images]
    rows = sequence_logprobs(vlm, samples, batch_size=batch_size, cache=cache)
    spans = vlm.encode_answer(answer).offsets
    of_name = [len(carrier) < end and start < len(answer) for start, end in spans]
    return np.array([row.double().numpy()[of_name].sum() for row in rows])


def _tokens_of(vlm: VisionLanguageModel, text: str, names: Iterable[str], length: int) -> npt.NDArray[np.bool_]:
    """Which of an answer's `length` tokens lie in a mention of `names`.

    The answer's own token ids are not kept, so its text is tokenised again. A model may, rarely, spell a text with
    other tokens than its tokenizer would; the flags are then a token or two off.
    """
    flags = np.zeros(length, dtype=bool)
    found = metrics.mentions(text, names)
    if found:
        spans = vlm.encode_answer(text).offsets[:length]
        flags[: len(spans)] = [any(start < b and a < end for a, b in found) for start, end in spans]
    return flags
