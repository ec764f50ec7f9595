"""Thoughts that a reasoning model says aloud are no part of its answer."""

import pytest

from unsee.metrics.thoughts import spoken


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("This is Mara Voss.", "This is Mara Voss."),
        ("2", "Grade: 5? No. </think> 2"),
        ("2", "<think>5?</think>\n\n2"),
        ("2", "<THINK>5?</Think>2"),
        ("2", "one</think>two</think>2"),
        ("2", "<think>a<think>b</think>c</think>2"),
        ("2", "[THINK]5?[/THINK]2"),
        ("2", "◁think▷5?◁/think▷2"),
        ("2", "<thinking>5?</thinking>2"),
        ("4", "4 <think>sure?</think>"),
        ("", "<think>it never ends, 4"),
        ("4", "4 <think>or 5"),
        ("I think so.", "I think so."),
        ("", ""),
    ],
)
def test_only_what_is_said_is_left(said: str, text: str) -> None:
    assert spoken(text) == said
