"""MMUBench: is a concept forgotten on all of its pictures, and is everything else kept?

Source: "Single Image Unlearning", arXiv 2405.12523, section 4. What is asked about each concept is a
`ConceptBenchmark`; the scores of one concept are in `mmubench_scores`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unsee import metrics
from unsee.benchmarks import recall
from unsee.benchmarks.base import Answers, Benchmark, Scope, Scored
from unsee.benchmarks.concept import About, ConceptBenchmark, probes, slug
from unsee.benchmarks.layout import load_benchmark
from unsee.benchmarks.mmubench_scores import Likelihoods, completeness, score
from unsee.benchmarks.recall import Recalled
from unsee.benchmarks.together import WORLD, benchmarks_together
from unsee.data.sample import Probe, Sample
from unsee.errors import UserError
from unsee.judges import Judge
from unsee.metrics import Score
from unsee.metrics.averaging import mean_of_scores
from unsee.metrics.catalogue import describe
from unsee.metrics.columns import recognition
from unsee.metrics.columns.quality import QUALITY
from unsee.metrics.columns.robustness import ROBUSTNESS
from unsee.requests import ForgetRequest
from unsee.world import KNOWN

# Without pictures that were never trained on, these mean nothing and are left out.
_ABOUT_NEW_PICTURES = (
    "generality_em", "not_given_away", "generality_em/nearly_named", "generality_em/surname_alone",
    "g_eval", "c_dis", "hallucination", "invented_name", "refusal_rate",
)  # fmt: skip


class MMUBench(Benchmark):
    """Questions about new pictures of one concept, or of several forgotten together, and about everything else.

    The scores are the mean over the concepts for which a metric was measured. The columns on robustness are not among
    them: they come from attacks (`unsee.evaluation.robustness`).
    """

    name = "mmubench"
    version = 5
    columns = (*recognition.MAIN, *ROBUSTNESS, *recognition.FURTHER, *QUALITY)

    def __init__(
        self,
        benches: Sequence[ConceptBenchmark],
        asked: Sequence[Sequence[Probe]] | None = None,
        *,
        recalled: Sequence[Recalled] = (),
        measured_on_given: bool = False,
        independent: bool = False,
    ) -> None:
        """asked: the questions of each of `benches`, by default all. recalled: questions whose answers before
        unlearning say what is right. measured_on_given: the only pictures of the concept are those trained on.
        independent: a language model that takes no part in the run also reads the answers (see `judges.reader`)."""
        self.benches = list(benches)
        self.asked = [list(own) for own in (map(probes, benches) if asked is None else asked)]
        self.recalled = list(recalled)
        self.measured_on_given, self.independent = measured_on_given, independent

    @classmethod
    def of(cls, scope: Scope) -> MMUBench:
        """The questions about the concepts of the requests, in the embedded world or in the folder `scope.location`."""
        names = [request.concept for request in scope.requests]
        if not names:
            raise UserError(f"The benchmark {cls.name!r} is about a concept; name one with --concept.")
        benches = benchmarks_together(str(scope.location or WORLD), names)
        return cls(benches, [probes(bench, per_image=scope.limit, limit=scope.limit) for bench in benches])

    @classmethod
    def requests(cls, location: Path | None = None) -> tuple[ForgetRequest, ...]:
        """One for each person of the embedded world, or for each concept of the folder `location`."""
        if location is None:
            return tuple(ForgetRequest(person.name, (person.picture(0, "train"),)) for person in KNOWN)
        return tuple(bench.request for bench in load_benchmark(location))

    def probes(self) -> list[Probe]:
        return [*(probe for own in self.asked for probe in own), *(item.probe for item in self.recalled)]

    def key(self) -> dict[str, Any]:
        return {
            "concepts": [dataclasses.asdict(bench.about) for bench in self.benches],
            "recalled": {item.probe.id: {"reference": item.reference, "names": item.names} for item in self.recalled},
            "measured_on_given": self.measured_on_given,
            "independent": self.independent,
        }

    def samples(self, answers: Answers) -> dict[str, Sample]:
        """The names, for each test picture: each follows the words that the model before unlearning puts before it."""
        found = {}
        for bench in self.benches:
            question = next((q for q in bench.questions if q.kind == "name"), bench.questions[0])
            answer = carrier(bench.about, answers) + bench.concept
            for number, image in enumerate(bench.test_images):
                found[_name_key(bench.about, number)] = Sample(question.prompt, answer, (image,))
        return found

    def rereads(self, answers: Answers) -> dict[str, Sample]:
        """The answers about test pictures. A model's own probabilities are high for whatever it repeats; those of the
        model before unlearning show word salad."""
        tested = (p for own in self.asked for p in own if p.tags["metric"] == "generality")
        return {p.id: Sample(p.prompt, answers.responses[p.id].raw, p.images) for p in tested}

    def basis(self) -> MMUBench:
        """The words that the model before unlearning puts before the names, because C-Dis compares the names after
        them."""
        naming = [[probe for probe in own if _asks_for_name(probe)] for own in self.asked]
        return MMUBench(self.benches, naming)

    @classmethod
    def score(cls, answers: Answers, judge: Judge | None = None) -> Scored:
        """The scores that `mmubench_scores.score` lists, about each concept and their means; those of `recall`; and
        the shares of answers that are cut and that are empty."""
        key = answers.key
        recalled = [
            Recalled(probe, key["recalled"][probe.id]["reference"], tuple(key["recalled"][probe.id]["names"]))
            for probe in answers.probes
            if probe.id in key["recalled"]
        ]
        by_concept = {
            about.concept: _scores_about(about, own, answers, judge, recalled) for about, own in _by_concept(answers)
        }
        by_metric: dict[str, list[Score]] = {}
        for scores in by_concept.values():
            for metric, value in scores.items():
                by_metric.setdefault(metric, []).append(value)
        mean = {metric: mean_of_scores(values, describe(metric).scale) for metric, values in by_metric.items()}
        mean |= recall.scores(recalled, (answers.before or answers).texts, answers.texts)
        return Scored(mean | _independent(answers, len(by_concept)), by_concept)


def carrier(about: About, answers: Answers) -> str:
    """The words that the model before unlearning most often puts before the name when it is asked for the name in the
    training picture: "This is ".

    C-Dis compares the name's probability after these words under both models. Empty if it never gives the name.
    """
    said = answers.before or answers
    fronts: Counter[str] = Counter()
    for probe in said.probes:
        if _asks_for_name(probe) and probe.tags["concept"] == about.concept:
            text = said.text(probe.id)
            fronts.update(text[:start] for start, _ in metrics.mentions(text, about.names)[:1])
    return fronts.most_common(1)[0][0] if fronts else ""


def likelihoods(about: About, asked: Sequence[Probe], answers: Answers, *, reread: bool = False) -> Likelihoods | None:
    """The probabilities behind Fluency, by the model that answered or, with `reread`, by the one before; None if
    they are not known."""
    said = [answers.responses[probe.id] for probe in asked if probe.tags["metric"] == "generality"]
    read = [answers.rereads.get(one.probe_id) if reread else one.likelihood for one in said]
    if answers.vocabulary_size is None or any(one is None for one in read):
        return None
    rows, flags = [], []
    for response, one in zip(said, read, strict=True):
        assert one is not None
        # A cut answer is not to blame for an end that it never reached.
        spoken = one if response.ended or not reread else one.up_to(len(response.raw))
        rows.append(np.array(spoken.logprobs, dtype=np.float64))
        flags.append(np.array(spoken.within(metrics.mentions(response.raw, about.names)), dtype=bool))
    return Likelihoods(tuple(rows), tuple(flags), answers.vocabulary_size)


def name_logprobs(about: About, answers: Answers) -> npt.NDArray[np.float64] | None:
    """log p(name) for each test picture, after `carrier`; None if no name was read."""
    found: list[float] = []
    start = len(carrier(about, answers))
    name = [(start, start + len(about.concept))]
    while (read := answers.likelihoods.get(_name_key(about, len(found)))) is not None:
        found.append(float(np.array(read.logprobs)[read.within(name)].sum()))
    return np.array(found) if found else None


def _name_key(about: About, number: int) -> str:
    return f"name/{slug(about.concept)}/{number}"


def _asks_for_name(probe: Probe) -> bool:
    """Whether this asks for the concept's name in the training picture. All commands ask the model before unlearning
    this."""
    return probe.tags["metric"] == "efficacy" and probe.tags["kind"] == "name"


def _by_concept(answers: Answers) -> Iterator[tuple[About, list[Probe]]]:
    for document in answers.key["concepts"]:
        about = About.read(document)
        yield about, [probe for probe in answers.probes if probe.tags.get("concept") == about.concept]


def _scores_about(
    about: About, asked: Sequence[Probe], answers: Answers, judge: Judge | None, recalled: Sequence[Recalled]
) -> dict[str, Score]:
    on_given = answers.key["measured_on_given"]
    own = likelihoods(about, asked, answers)
    now = name_logprobs(about, answers)
    before = name_logprobs(about, answers.before) if answers.before else None
    responses = list(answers.responses.values())
    scores = score(
        about,
        asked,
        responses,
        judge=None if on_given else judge,
        likelihoods=own,
        # The model before reads its own answers, so that its reading of later answers has a baseline.
        reread=likelihoods(about, asked, answers, reread=True) if answers.before else own,
        # Of an interrupted run, one may be read for fewer pictures than the other.
        names=None if before is None or now is None or len(before) != len(now) else (before, now),
    )
    scores |= completeness([*asked, *(item.probe for item in recalled)], responses)
    if on_given:
        return {key: value for key, value in scores.items() if key.partition("/")[0] not in _ABOUT_NEW_PICTURES}
    return scores


def _independent(answers: Answers, concepts: int) -> dict[str, Score]:
    """The perplexity of the answers about test pictures under an independent model."""
    if not answers.key["independent"]:
        return {}
    # It imports torch and downloads a model.
    from unsee.judges.reader import independent_reader

    # The units are the concepts, or the pictures of the only one.
    unit = "concept" if concepts > 1 else "picture"
    tested = [probe for probe in answers.probes if probe.tags["metric"] == "generality"]
    texts, units = [answers.text(probe.id) for probe in tested], [probe.tags[unit] for probe in tested]
    if not any(text.strip() for text in texts):
        return {}
    return {"fluency/independent": independent_reader().perplexity(texts, units=units)}
