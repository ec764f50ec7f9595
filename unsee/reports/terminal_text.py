"""Text of a report that is fit for a terminal."""

from __future__ import annotations

import re

TONES = {"good": "bold green", "mixed": "bold yellow", "bad": "bold red"}
"""The styles of verdicts."""
# Escape sequences in a name or an answer must not reach the terminal; Rich itself lets ESC through.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def plain_text(text: str) -> str:
    """`text` with a sign instead of every control character."""
    return _CONTROL.sub("�", text)
