"""A model's answer to the reader, without the thoughts that it writes first."""

from __future__ import annotations

import re

_NAME = r"(?:think(?:ing)?|thoughts?|reasoning)"
_OPENING, _CLOSING = (
    re.compile(rf"[<◁\[]{slash}(?:seed:)?{_NAME}\s*[>▷\]]|<\|{word}_(?:of_)?{_NAME}\|>", re.IGNORECASE)
    for slash, word in (("", "(?:begin|start)"), ("/", "end"))
)
_WHOLE = re.compile(rf"(?:{_OPENING.pattern}).*?(?:{_CLOSING.pattern})", re.IGNORECASE | re.DOTALL)


def spoken(text: str) -> str:
    """`text` without thoughts and without surrounding white space.

    A thought stands between tags: "<think>…</think>", also named "thinking", "thought" or "reasoning", also in the
    triangles of Kimi-VL, the brackets of Magistral and the "<|START_THINKING|>" of Command A. Where the chat template
    wrote the opening tag there is a closing one only, and everything up to it is thought. A thought that never ends
    takes the rest of the text with it: no answer was given.
    """
    outside = _CLOSING.split(_WHOLE.sub("", text))[-1]
    return _OPENING.split(outside, maxsplit=1)[0].strip()
