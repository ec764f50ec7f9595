"""Which probes go through the model together, and what of their prompts is computed once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from PIL import Image

from unsee.models.vlm import EncodedPrompt

# Probes are prepared in portions, so that the pixels of thousands of pictures never lie in memory together.
PORTION_ROWS = 4096
PORTION_PICTURES = 128
ROWS_PER_GROUP = 4
"""A batch reaches over so many groups that each has no more rows in it than this, on the average."""


@dataclass(frozen=True)
class Row:
    """One prompt on its way through the model.

    `index` is its place in the caller's list. The first `shared` tokens, pictures included, are the same in all rows
    of `group` and go through the model once; 0: nothing is shared. What the groups of one `window` share is in memory
    at the same time, and batches are made of rows of one window.
    """

    index: int
    prompt: EncodedPrompt
    group: int = -1
    shared: int = 0
    window: int = -1

    @property
    def remaining(self) -> int:
        """Tokens of the prompt after what is shared."""
        return len(self.prompt.input_ids) - self.shared


def plan_batches(
    prompts: Sequence[EncodedPrompt], image_tokens: frozenset[int], batch_size: int, longest_shared: float
) -> list[list[Row]]:
    """Batches of rows that are about equally long, those that share prefixes first.

    Args:
        prompts: encoded prompts; `Row.index` counts them.
        image_tokens: placeholder tokens, which a shared prefix must contain entirely.
        batch_size: most rows in a batch.
        longest_shared: most tokens of a batch with shared prefixes, padding included.

    Returns:
        Batches in which either all rows share a prefix or none does; rows of one group stand next to each other.
    """
    by_pictures: dict[tuple[str, ...], list[int]] = {}
    for index, prompt in enumerate(prompts):
        by_pictures.setdefault(prompt.image_keys, []).append(index)

    sharing: list[list[Row]] = []
    alone: list[Row] = []
    for group, (keys, members) in enumerate(by_pictures.items()):
        shared = _shared_prefix([prompts[i] for i in members], image_tokens) if keys else 0
        rows = [Row(i, prompts[i], group, shared) for i in members]
        if shared:
            sharing.append(rows)
        else:
            alone += rows
    sharing.sort(key=lambda rows: rows[0].shared, reverse=True)

    batches = []
    for window in _windows(sharing, batch_size):
        for batch in _batches(window, batch_size):
            padded = max(row.shared for row in batch) + max(row.remaining for row in batch)
            if padded <= longest_shared:
                batches.append(sorted(batch, key=lambda row: row.group))
            else:
                alone += [Row(row.index, row.prompt) for row in batch]
    return batches + _batches(alone, batch_size)


def _windows(groups: Sequence[list[Row]], batch_size: int) -> Iterator[list[Row]]:
    """Rows of so many groups that they fill batches of equal length, but whose prefixes need less memory than one."""
    window: list[Row] = []
    count = number = 0
    for rows in groups:
        window += [replace(row, window=number) for row in rows]
        count += 1
        if len(window) >= batch_size and count >= batch_size // ROWS_PER_GROUP:
            yield window
            window, count, number = [], 0, number + 1
    if window:
        yield window


def _batches(rows: Sequence[Row], batch_size: int) -> list[list[Row]]:
    """Rows sorted by length, the longest first, in batches of about the same size."""
    if not rows:
        return []
    ordered = sorted(rows, key=lambda row: row.remaining, reverse=True)
    size = math.ceil(len(ordered) / math.ceil(len(ordered) / batch_size))
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _shared_prefix(prompts: Sequence[EncodedPrompt], image_tokens: frozenset[int]) -> int:
    """Length of the common beginning of the prompts; 0 unless it is worth sharing and holds all of the pictures."""
    if len(prompts) < 2:
        return 0
    ids = [prompt.input_ids for prompt in prompts]
    # What the smallest and the largest list have in common, all lists in between have as well.
    pairs = zip(min(ids), max(ids), strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    # The last token of a prompt is never shared: its logits are where the answer begins.
    common = min(common, min(map(len, ids)) - 1)
    first = prompts[0]
    vision = max((i for i, token in enumerate(first.input_ids) if token in image_tokens), default=0)
    for values in first.extras.values():
        vision = max(vision, max((i for i, value in enumerate(values) if value), default=0))
    return common if common > vision else 0


def portions(pictures: Sequence[tuple[Image.Image, ...]]) -> Iterator[list[int]]:
    """Indices of rows with these pictures, those with the same ones together, in portions that fit into memory."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, images in enumerate(pictures):
        groups.setdefault(tuple(id(image) for image in images), []).append(index)
    portion: list[int] = []
    count = 0
    for key, members in groups.items():
        for start in range(0, len(members), PORTION_ROWS):
            part = members[start : start + PORTION_ROWS]
            if portion and (len(portion) + len(part) > PORTION_ROWS or count + len(key) > PORTION_PICTURES):
                yield portion
                portion, count = [], 0
            portion = portion + part
            count += len(key)
    if portion:
        yield portion
