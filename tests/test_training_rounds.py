"""Training that continues until what is to be forgotten is learnt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_vlm
from tests.unlearning_cases import Pressing, config_of, logits, losses, request
from unsee.errors import UserError
from unsee.methods import get_method
from unsee.methods.siu import SIUConfig
from unsee.training import unlearn
from unsee.training.trainer import rounds


@pytest.mark.parametrize(
    ("steps", "learnt", "ends"),
    [
        (30, 0.0, [30]),
        (30, 0.7, [30, 40, 50, 60]),
        (4, 0.7, [4, 6, 8]),
        (1, 0.7, [1, 2]),
        (6, 0.7, [6, 8, 10, 12]),
    ],
)
def test_training_may_end_after_the_steps_and_after_each_third_more(steps: int, learnt: float, ends: list[int]) -> None:
    assert rounds(steps, learnt) == ends


@pytest.mark.parametrize(
    ("learnt", "steps"),
    [(0.0, 3), (1e-9, 3), (0.999, 6)],
    ids=["not asked for", "any probability is enough", "never reached by a random model"],
)
def test_training_continues_until_the_answers_to_forget_are_probable_enough(
    tmp_path: Path, learnt: float, steps: int
) -> None:
    done = unlearn(
        tiny_vlm("llava"), get_method("siu"), config_of("siu", learnt=learnt), request(), tmp_path / "out",
        progress=False,
    )  # fmt: skip
    assert done.manifest["steps"] == steps
    assert len(losses(done)) == steps


def test_the_rounds_leave_the_steps_before_them_as_they_are(tmp_path: Path) -> None:
    plain, longer = (
        unlearn(
            tiny_vlm("llava"), get_method("siu"), config_of("siu", learnt=learnt), request(), tmp_path / str(learnt),
            progress=False,
        )
        for learnt in (0.0, 0.999)
    )  # fmt: skip
    assert losses(longer)[:3] == losses(plain)


def test_a_round_starts_at_half_the_rate_and_falls_to_nothing(tmp_path: Path) -> None:
    config = config_of("siu", learnt=0.999, steps=6, learning_rate=1e-3, schedule="constant")
    done = unlearn(tiny_vlm("llava"), get_method("siu"), config, request(), tmp_path / "out", progress=False)
    entries = map(json.loads, (done.folder / "training.jsonl").read_text().splitlines())
    rates = [entry["learning_rate"] for entry in entries if "learning_rate" in entry]
    assert rates == pytest.approx([1e-3] * 6 + [5e-4, 2.5e-4] * 3)


@pytest.mark.parametrize(("learnt", "step"), [(1e-9, 3), (0.999, 3), (0.999, 5), (0.999, 6)])
def test_a_run_interrupted_at_the_end_of_a_round_or_within_one_resumes_to_the_same_result(
    tmp_path: Path, learnt: float, step: int
) -> None:
    config = config_of("siu", learnt=learnt, lora_dropout=0.1)
    whole, first, second = (tiny_vlm("llava") for _ in range(3))
    expected = unlearn(whole, get_method("siu"), config, request(), tmp_path / "whole", progress=False)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        unlearn(first, Pressing(step), config, request(), out, progress=False)
    resumed = unlearn(second, get_method("siu"), config, request(), out, progress=False, resume=True)
    assert resumed.manifest["steps"] == expected.manifest["steps"]
    assert losses(resumed) == losses(expected)
    assert torch.equal(logits(second), logits(whole))


@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_a_probability_that_cannot_be_reached_is_refused(value: float) -> None:
    with pytest.raises(UserError, match="learnt"):
        SIUConfig(learnt=value)
