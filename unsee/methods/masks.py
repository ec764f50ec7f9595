"""K_V of SIU: which entries of the vocabulary belong to the concept's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsee.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase


def name_token_ids(tokenizer: PreTrainedTokenizerBase, names: Sequence[str]) -> frozenset[int]:
    """Ids of the tokens of each name, of " " + name, and of each of its words with and without the leading space.

    The form without the space also includes what follows an opening bracket, because tokenizers that put a space before
    every text (SentencePiece) show that form nowhere else. Raises UserError for a name without any token.
    """
    bracket = set(tokenizer.encode("(", add_special_tokens=False))
    ids: set[int] = set()
    for name in names:
        own: set[int] = set()
        for text in (name, *name.split()):
            own.update(tokenizer.encode(text, add_special_tokens=False))
            own.update(tokenizer.encode(" " + text, add_special_tokens=False))
            behind = set(tokenizer.encode("(" + text, add_special_tokens=False)) - bracket
            own.update(i for i in behind if "(" not in str(tokenizer.decode([i])))
        own -= set(tokenizer.all_special_ids)
        # Some tokenizers split off the leading space: that token belongs to every word, not to the name.
        own = {i for i in own if str(tokenizer.decode([i])).strip()}
        if not own:
            raise UserError(f"This model's tokenizer has no token for the name {name!r}; write it in another script.")
        ids |= own
    return frozenset(ids)


def vocabulary_mask(ids: frozenset[int], size: int) -> Tensor:
    """[size] float32 K_V: 0 at `ids`, 1 elsewhere."""
    import torch

    mask = torch.ones(size)
    mask[sorted(ids)] = 0.0
    return mask
