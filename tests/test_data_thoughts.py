"""Thoughts are no answer: they are set aside wherever a model's answer is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from unsee.data.sample import Response
from unsee.data.thoughts import spoken
from unsee.generation import Transcript
from unsee.methods.asru.rewards import response_of


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("This is Mara Voss.", "This is Mara Voss."),
        ("  B \n", "B"),
        ("<think>Mara Voss?</think>I don't know.", "I don't know."),
        ("<think>\nOne.\n\nTwo.\n</think>\n\nB", "B"),
        ("<thinking>A or B</thinking> B", "B"),
        ("<THINK>A</Think> B", "B"),
        ("◁think▷A◁/think▷B", "B"),
        ("[THINK]A[/THINK]B", "B"),
        ("<|START_THINKING|>A<|END_THINKING|>B", "B"),
        ("<|begin_of_thought|>A<|end_of_thought|> B", "B"),
        ("<seed:think>A</seed:think>B", "B"),
        ("<think >A</think >B", "B"),
        ("<think>a<think>b</think>c</think>2", "2"),
        ("4 <think>sure?</think>", "4"),
        ("4 <think>or 5", "4"),
        ("<reasoning>A</reasoning><answer>B</answer>", "<answer>B</answer>"),
        # The template opened the thought.
        ("Grade: 5? No. </think> 2", "2"),
        ("one </think> two </think> three", "three"),
        ("<think>one <think>two</think> three</think> four", "four"),
        # It never ends: nothing was answered.
        ("<think>It may be Mara Voss, or", ""),
        ("<think>", ""),
        ("<think>A</think> B <think>or", "B"),
        # What was said before it thought was said.
        ("Mara Voss. <think>Oh no.</think>", "Mara Voss."),
        ("I think </b> that 1 < 2 > 0", "I think </b> that 1 < 2 > 0"),
        ("", ""),
    ],
)
def test_what_is_spoken(raw: str, answer: str) -> None:
    assert spoken(raw) == answer
    assert spoken(answer) == answer
    assert Response("id", raw).text == answer
    assert response_of(raw) == response_of([{"role": "assistant", "content": raw}]) == answer


def test_a_transcript_keeps_thoughts(tmp_path: Path) -> None:
    thought = Response("1", "<think>Mara?</think>I don't know.", (-0.5,))
    transcript = Transcript(tmp_path / "answers.jsonl", {"fingerprint": "f"})
    transcript.add([thought])
    transcript.close()
    again = Transcript(tmp_path / "answers.jsonl", {"fingerprint": "f"})
    again.close()
    assert again.responses == {"1": thought}
    assert (thought.text, thought.raw) == ("I don't know.", "<think>Mara?</think>I don't know.")
