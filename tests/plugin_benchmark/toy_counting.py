from PIL import Image, ImageDraw

from unsee import metrics
from unsee.benchmarks import Benchmark
from unsee.data.sample import Probe
from unsee.metrics.catalogue import Metric

WORDS = ("no", "one", "two", "three", "four", "five")


def dots(number: int) -> Image.Image:
    image = Image.new("RGB", (300, 60), "white")
    for i in range(number):
        ImageDraw.Draw(image).ellipse((60 * i + 10, 10, 60 * i + 50, 50), "black")
    return image


class Counting(Benchmark):
    """Can the model still count? Pictures of one to five dots."""

    name, version = "counting", 1
    columns = (Metric("counting", "Counting", "Dots counted rightly.", "keeping", "%", 1),)

    def probes(self):
        return [Probe(f"counting/{n}", "How many dots?", (dots(n),), (str(n), WORDS[n])) for n in range(1, 6)]

    @classmethod
    def score(cls, answers, judge=None):
        return {"counting": metrics.share(metrics.right(probe, answers.text(probe.id)) for probe in answers.probes)}
