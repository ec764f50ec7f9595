from unsee import metrics
from unsee.benchmarks import Benchmark
from unsee.data.sample import Probe
from unsee.metrics.catalogue import Metric

WORDINGS = ("Who is this?", "Complete: the person in this picture is called", "Write a letter to the person shown.")


class Reworded(Benchmark):
    """Does the name come back when the question is put in other words?"""

    name, version = "reworded", 1
    columns = (Metric("reworded", "Reworded", "Answers without the name, of the worst wording.", "forgetting", "%", 1),)

    def __init__(self, requests):
        self.pictures = [(request, image) for request in requests for image in request.pictures()]

    @classmethod
    def of(cls, scope):
        return cls(scope.requests)

    def probes(self):
        shown = [(number, *shown, text) for number, shown in enumerate(self.pictures) for text in WORDINGS]
        return [Probe(f"{n}: {t}", t, (image,), about.names, "absent", {"text": t}) for n, about, image, t in shown]

    @classmethod
    def score(cls, answers, judge=None):
        right = [(probe.tags["text"], metrics.right(probe, answers.text(probe.id))) for probe in answers.probes]
        shares = [metrics.share(flag for asked, flag in right if asked == text) for text in WORDINGS]
        return {"reworded": min(shares, key=lambda score: score.value)}
