"""The order in which samples are trained on, drawn up front from the seed, so that a resumed run continues it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence


def draw_order(forget: Sequence[bool], count: int, seed: int) -> list[int]:
    """`count` indices: forget and retain samples in turn where there are both, each group reshuffled when used up.

    Every batch of even size then holds as much to forget as to keep, as the losses of the baselines expect.
    """
    rng = random.Random(seed)
    groups = [[i for i, f in enumerate(forget) if f is wanted] for wanted in (True, False)]
    streams = [_endless(group, rng) for group in groups if group]
    return [next(streams[n % len(streams)]) for n in range(count)]


def _endless(group: Sequence[int], rng: random.Random) -> Iterator[int]:
    while True:
        yield from rng.sample(list(group), len(group))
