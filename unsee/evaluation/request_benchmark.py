"""What a run asks about its request, settled before the first step of training."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from unsee.benchmarks.concept import ConceptBenchmark, probes, questions_about
from unsee.benchmarks.mmubench import MMUBench
from unsee.benchmarks.new_pictures import only_new
from unsee.benchmarks.recall import Recalled, recalled
from unsee.data.images import image_key
from unsee.data.likeness import Seen
from unsee.data.sample import Probe
from unsee.kinds.words import Words
from unsee.models.vlm import VisionLanguageModel
from unsee.requests import ForgetRequest
from unsee.sources.world import is_of_the_world

PICTURES_OF_OTHERS = 40
"""The most pictures of others to ask about."""


@dataclass(frozen=True)
class RequestBenchmark:
    """What to ask before and after. `notes` say what cannot be measured, in a sentence each.

    `measured_on_given`: the only pictures are those trained on, so nothing can be said about new ones.
    """

    bench: ConceptBenchmark
    asked: tuple[Probe, ...]
    recall: tuple[Recalled, ...] = ()
    notes: tuple[str, ...] = ()
    credit: str = ""
    measured_on_given: bool = False

    @property
    def words(self) -> Words:
        """What others are called."""
        return self.bench.spoken

    @property
    def benchmark(self) -> MMUBench:
        """Everything to ask, with its scoring."""
        return MMUBench([self.bench], [self.asked], recalled=self.recall, measured_on_given=self.measured_on_given)

    @property
    def probes(self) -> list[Probe]:
        return [*self.asked, *(item.probe for item in self.recall)]


def benchmark_for(
    request: ForgetRequest,
    vlm: VisionLanguageModel,
    trained: Collection[str],
    test_images: Sequence[Image.Image] = (),
    seed: int = 0,
    limit: int | None = None,
    test_others: Sequence[Image.Image] = (),
    seen: Seen | None = None,
    together: Collection[str] = (),
) -> RequestBenchmark:
    """What to ask about `request`: the whole MMUBench of the world, or else what the request allows.

    `trained` holds the prompts of the training data; none of them is asked. `seen` holds its pictures, by default only
    those of the request; a picture of the world that is among them does not count as new. limit: the most questions
    about each test picture, and in each group of control questions. `test_others` are pictures of others; the world
    has its own. `together` names what is forgotten in the same run: nobody of them counts as somebody to keep.
    """
    if is_of_the_world(vlm.name, request.concept):
        seen = seen or Seen((*request.pictures(), *request.other_pictures()))
        together = [name for name in together if is_of_the_world(vlm.name, name)]
        return _of_the_world(request, trained, test_images, seed, limit, seen, together)
    return _of_any_model(request, trained, test_images, limit, test_others, together)


def _of_the_world(
    request: ForgetRequest,
    trained: Collection[str],
    test_images: Sequence[Image.Image],
    seed: int,
    limit: int | None,
    seen: Seen,
    together: Collection[str],
) -> RequestBenchmark:
    from unsee.benchmarks.world import world_benchmark
    from unsee.world import find, world_of

    bench = world_benchmark(request.concept, seed=seed, exclude=together)
    given = _distinct(request.pictures())
    bench = replace(
        bench,
        train_image=given[0],
        aliases=tuple(dict.fromkeys((*bench.aliases, *request.aliases))),
        test_images=tuple(test_images) or bench.test_images,
        visible=() if test_images else bench.visible,
        questions=tuple(q for q in bench.questions if q.prompt not in trained) or bench.questions,
    )
    bench = only_new(bench, seen)
    drawn = probes(bench, per_image=limit, limit=limit)
    asked = [probe for probe in drawn if probe.images or probe.prompt not in trained]
    notes = (f"Not asked about: {'; '.join(bench.left_out)}.",) if bench.left_out else ()
    credit = world_of(find(request.concept)).credit
    return RequestBenchmark(bench, (*asked, *_of_further(given, asked)), notes=notes, credit=credit)


def _of_any_model(
    request: ForgetRequest,
    trained: Collection[str],
    test_images: Sequence[Image.Image],
    limit: int | None,
    test_others: Sequence[Image.Image],
    together: Collection[str],
) -> RequestBenchmark:
    given, what = _distinct(request.pictures()), request.what
    questions = questions_about(request.concept)
    bench = ConceptBenchmark(
        request.concept,
        train_image=given[0],
        # Without test pictures, Fluency and Diversity are measured on the answers about the given picture.
        test_images=tuple(test_images) or given[:1],
        questions=tuple(question for question in questions if question.prompt not in trained),
        aliases=request.aliases,
        other_names=request.neighbours,
        kind=request.kind,
    )
    asked = probes(bench, per_image=limit, limit=limit)
    notes = []
    if not test_images:
        notes.append(
            "Only the given picture was asked about, so whether the model still recognises other pictures was not "
            "measured; add some with --test-images."
        )
    others = tuple(test_others) or request.other_pictures()
    if not others:
        notes.append(
            "What else the model sees in pictures was not tested. Specificity is only about facts in text, compared "
            f"with the model's own answers before; add pictures of other {what.plural} with --test-others."
        )
    else:
        notes.append(
            f"Specificity is about facts in text and {what.who} is in pictures of other {what.plural}, compared with "
            "the model's own answers before; what else it sees in pictures was not tested."
        )
        if not test_others:
            notes.append(
                f"The questions about other {what.plural} use the pictures of --others, so whether the model "
                "recognises them in new pictures was not measured; add some with --test-others."
            )
    return RequestBenchmark(
        bench,
        (*asked, *_of_further(given, asked)),
        recall=tuple(recalled(request, trained, others[:PICTURES_OF_OTHERS], limit, together)),
        notes=tuple(notes),
        measured_on_given=not test_images,
    )


def _distinct(pictures: Sequence[Image.Image]) -> tuple[Image.Image, ...]:
    """The pictures without repetitions: a picture that was given twice is asked about once."""
    return tuple({image_key(picture): picture for picture in pictures}.values())


def _of_further(given: Sequence[Image.Image], asked: Sequence[Probe]) -> list[Probe]:
    """The questions of Efficacy for the second given picture and all after it."""
    return [
        replace(
            probe,
            id=f"{probe.id}/given-{number}",
            images=(picture,),
            tags={**probe.tags, "picture": str(number)},
        )
        for number, picture in enumerate(given[1:], 1)
        for probe in asked
        if probe.tags["metric"] == "efficacy"
    ]
