"""What a reasoning model thinks aloud before it answers is no part of the answer."""

from __future__ import annotations

import re

_OPENING = r"<(?:think|thinking|thought|reasoning)>|\[THINK\]|◁think▷"
_CLOSING = r"</(?:think|thinking|thought|reasoning)>|\[/THINK\]|◁/think▷"
_THOUGHT = re.compile(rf"(?:{_OPENING}).*?(?:{_CLOSING})", re.DOTALL | re.IGNORECASE)
# Chat templates often open the thought in the prompt, so that the reply holds the closing tag alone.
_BEGUN_IN_THE_PROMPT = re.compile(rf".*(?:{_CLOSING})", re.DOTALL | re.IGNORECASE)
_UNFINISHED = re.compile(rf"(?:{_OPENING}).*", re.DOTALL | re.IGNORECASE)


def spoken(text: str) -> str:
    """`text` without thoughts: those between tags, before a lone closing tag, and behind a tag that is never closed."""
    for thought in (_THOUGHT, _BEGUN_IN_THE_PROMPT, _UNFINISHED):
        text = thought.sub("", text)
    return text.strip()
