"""Which probes go through the model together, and what of their prompts is computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from unsee.models.vlm import EncodedPrompt


@dataclass(frozen=True)
class Row:
    """One prompt on its way through the model.

    `index` is its place in the caller's list. The first `shared` tokens, pictures included, are the same in all rows
    of `group` and go through the model once; 0: nothing is shared.
    """

    index: int
    prompt: EncodedPrompt
    group: int
    shared: int = 0

    @property
    def remaining(self) -> int:
        """Tokens of the prompt after what is shared."""
        return len(self.prompt.input_ids) - self.shared


def plan_batches(
    prompts: Sequence[EncodedPrompt], image_tokens: frozenset[int], batch_size: int, longest_shared: float
) -> list[list[Row]]:
    """Batches of rows: those about one picture next to each other, the others sorted by length, longest first.

    Args:
        prompts: encoded prompts; `Row.index` counts them.
        image_tokens: placeholder tokens, which a shared prefix must contain entirely.
        batch_size: most rows in a batch.
        longest_shared: most tokens of a batch with shared prefixes, padding included.
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
            sharing.append(sorted(rows, key=lambda row: row.remaining, reverse=True))
        else:
            alone += rows
    sharing.sort(key=lambda rows: rows[0].shared + rows[0].remaining, reverse=True)

    batches = []
    for batch in _chunks([row for rows in sharing for row in rows], batch_size):
        padded = max(row.shared for row in batch) + max(row.remaining for row in batch)
        if padded <= longest_shared:
            batches.append(batch)
        else:
            alone += [Row(row.index, row.prompt, row.group) for row in batch]
    alone.sort(key=lambda row: row.remaining, reverse=True)
    return batches + list(_chunks(alone, batch_size))


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


def _chunks(rows: Sequence[Row], size: int) -> Iterator[list[Row]]:
    for start in range(0, len(rows), size):
        yield list(rows[start : start + size])
