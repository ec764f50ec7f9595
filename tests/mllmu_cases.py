"""A small MLLMU-Bench that needs no world: two people to forget or to keep, and two outside."""

from __future__ import annotations

from typing import Any

from tests.tiny import picture
from unsee.benchmarks.mllmu_questions import Choice, MllmuBenchmark, Open, Profile, Questions

JOBS = {"A": "baker", "B": "pilot", "C": "nurse", "D": "potter"}


def profile(who: str, name: str, job: str, pictures: int = 1, start: int = 0, **changes: Any) -> Profile:
    correct = next(letter for letter, text in JOBS.items() if text == job)
    with_picture = Questions(
        (Choice("What does this person do?", JOBS, correct),),
        (Open("Who is this?", f"This is {name}."), Open("What is the job?", f"This person works as a {job}.")),
        (Open("This person works as a __.", job),),
    )
    in_text = Questions(
        (Choice(f"What does {name} do?", JOBS, correct),),
        (Open(f"What is the job of {name}?", f"{name} works as a {job}."),),
        (Open(f"{name} works as a __, they say.", job),),
    )
    given: dict[str, Any] = {"biography": {"Name": name, "Job": job}, "question": "Who?", "answer": name, **changes}
    images = tuple(picture(start + i) for i in range(pictures))
    return Profile(who, images, with_picture, in_text, **given)


def benchmark(**changes: Any) -> MllmuBenchmark:
    refusal = Open("Who is this?", "I don't know who this is. I can see a person.")
    unknown = Profile("s", (picture(9),), Questions(generation=(refusal,)), Questions())
    sets = {
        "forget": (profile("1", "Mara Voss", "baker"),),
        "test": (profile("1", "Mara Voss", "baker", 2, 1),),
        "retain": (profile("2", "Jonas Hale", "pilot", start=4), profile("3", "Ines Dorn", "nurse", start=5)),
        "strangers": (unknown,),
    }
    return MllmuBenchmark(**{"name": "forget 5 %", "sets": sets, "style": "completed", **changes})
