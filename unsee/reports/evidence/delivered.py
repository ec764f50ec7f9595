"""What `unsee verify` found about the model that users get, as a pack quotes it: read from its JSON, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from unsee.evaluation.verification import FEWEST, Conclusion
from unsee.reports.evidence.outcome import OF_DELIVERED, Result
from unsee.reports.verification import SCHEMA
from unsee.store.hashing import is_sha256

_HEADLINES: Mapping[Conclusion, str] = {
    "evaluated": "Yes",
    "rounded": "Yes, with its weights rounded",
    "unknown": "That could not be told",
    "before": "No, it is the model before unlearning",
    "another": "No, it is another model",
}
_SAYS: Mapping[Conclusion, str] = {
    "evaluated": "answers as the model in this pack does.",
    "rounded": "is the one in this pack with its weights rounded. The attacks were tried before rounding.",
    "unknown": "was asked again, but whether it is the one in this pack could not be told.",
    "before": "is not the one in this pack: it answers as the model before unlearning does, and has forgotten nothing.",
    "another": "is not the one in this pack, so nothing here is about it.",
}


@dataclass(frozen=True)
class Delivered:
    """The result of `unsee verify`. name: of the model that was asked. weights: SHA-256 (hex) by name of the files of
    the run that it was compared with. equal: how many of the `asked` answers are those of the evaluated model. before,
    after: how many of the `telling` answers, which tell the models before and after apart, are those of each.
    """

    conclusion: Conclusion
    name: str
    created: str
    sentence: str
    weights: Mapping[str, str]
    asked: int
    equal: int
    telling: int
    before: int
    after: int

    @property
    def is_evaluated(self) -> bool:
        return self.conclusion == "evaluated"

    @property
    def headline(self) -> str:
        return _HEADLINES[self.conclusion]

    @property
    def tone(self) -> Literal["good", "mixed", "bad"]:
        tones: dict[Result, Literal["good", "mixed", "bad"]] = {"PASSED": "good", "WARNED": "mixed", "FAILED": "bad"}
        return tones[OF_DELIVERED[self.conclusion]]

    @property
    def words(self) -> str:
        """For readers who do not know the program."""
        text = f"The model that users get, {self.name}, {_SAYS[self.conclusion]}"
        if self.asked:
            text += (
                f" Of its {self.asked:,} answers, {self.equal:,} are those of the model in this pack, word for word."
            )
        if self.telling:
            text += (
                f" The models before and after unlearning differ in {self.telling:,} of them: there, it answers "
                f"{self.after:,} as the model after and {self.before:,} as the model before."
            )
        return text


def read_delivered(document: Any) -> Delivered:
    """From the JSON of `unsee verify --json`, parsed. Raises ValueError, with a clause, if it is something else, or
    counts what its own answers do not give."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError("it is not what unsee verify --json prints")
    conclusion: Any = document.get("conclusion")
    weights = document.get("weights")
    if conclusion not in tuple(OF_DELIVERED):
        raise ValueError("it has no conclusion")
    if not isinstance(weights, dict) or not weights or not all(map(is_sha256, weights.values())):
        raise ValueError("it does not say with which weights it compared")
    texts = [document.get(key) for key in ("name", "created", "sentence")]
    answers, telling = document.get("answers"), document.get("telling")
    if not isinstance(answers, list) or not isinstance(telling, dict) or not all(isinstance(one, str) for one in texts):
        raise ValueError("it is not complete")
    asked, equal, apart, before, after = _counted(answers)
    written = (document.get("asked"), document.get("equal_to_after"), *map(telling.get, ("n", "before", "after")))
    if written != (asked, equal, apart, before, after):
        raise ValueError("its figures are not those of its own answers")
    nearer = {"evaluated": after >= before, "rounded": after >= before, "before": before >= after}
    if conclusion != "unknown" and not (apart >= FEWEST and nearer.get(conclusion, True)):
        raise ValueError("its conclusion is not that of its own answers")
    name, created, sentence = texts
    return Delivered(conclusion, str(name), str(created), str(sentence), weights, asked, equal, apart, before, after)


def _counted(answers: list[Any]) -> tuple[int, int, int, int, int]:
    """How many answers there are, how many are those of the model after, how many tell before from after, and how many
    of these are those before and after."""
    try:
        # White space does not count, as in `unsee verify`.
        said = [[one[key].split() for key in ("before", "after", "here")] for one in answers]
        telling = [one for one in said if one[0] != one[1]]
        as_before, as_after = (sum(one[2] == one[state] for one in telling) for state in (0, 1))
        return len(said), sum(one[2] == one[1] for one in said), len(telling), as_before, as_after
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("its answers cannot be read") from error
