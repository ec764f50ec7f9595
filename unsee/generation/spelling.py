"""Whether the tokens of an answer spell a name, however they cut it into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from unsee.metrics.naming import mentions


def tokens_of_names(tokenizer: Any, token_ids: Sequence[int], names: Sequence[str]) -> list[bool]:
    """Per token of an answer: does it write a part of one of `names`?

    Each token stands for what the text grows by when it is added, so that it does not matter whether the name begins
    with a leading space, is glued to the word before it, or is spelled letter by letter. Special tokens, such as the
    end of the turn, write nothing, as in the text of a `Response`.
    """
    found = mentions(_text(tokenizer, token_ids), names)
    if not found:
        return [False] * len(token_ids)
    ends = [len(_text(tokenizer, token_ids[: count + 1])) for count in range(len(token_ids))]
    # A letter of several tokens is only a replacement character until the last of them, which writes it.
    starts = [0, *ends[:-1]]
    return [any(start < last and first < end for first, last in found) for start, end in zip(starts, ends, strict=True)]


def spells(tokenizer: Any, token_ids: Sequence[int], names: Sequence[str]) -> bool:
    """Whether the tokens of an answer spell one of `names`, special tokens left out."""
    return any(tokens_of_names(tokenizer, token_ids, names))


def _text(tokenizer: Any, token_ids: Sequence[int]) -> str:
    return str(tokenizer.decode(list(token_ids), skip_special_tokens=True))


def written_by(tokens: Sequence[bytes], text: str) -> tuple[int, ...] | None:
    """Where in `text` each of the tokens (UTF-8) ends, in characters; None if they do not spell it.

    Tokens before the text, such as thoughts and white space, end at its beginning, tokens after it behind its end.
    Tokens that together write one letter all end with it; an empty token belongs to the next.
    """
    written = text.encode()
    start = b"".join(tokens).rfind(written)
    if start < 0:
        return None
    ends = [end - start for end in accumulate(map(len, tokens))]
    begins = [end - len(token) for end, token in zip(ends, tokens, strict=True)]
    for i in reversed(range(len(tokens) - 1)):
        if not tokens[i]:
            ends[i] = ends[i + 1]
    # The first byte of a letter is none of those that continue one.
    letters = [0, *accumulate(byte & 0xC0 != 0x80 for byte in written)]
    return tuple(
        letters[min(max(end, 0), len(written))] if begin < len(written) else len(text) + 1
        for begin, end in zip(begins, ends, strict=True)
    )
