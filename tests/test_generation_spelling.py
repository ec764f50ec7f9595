"""Detection on the text of an answer and on its tokens agree, whatever tokens the name is made of."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from unsee.generation.spelling import spells, tokens_of_names
from unsee.metrics import contains
from unsee.models.shipped import checkpoint_path
from unsee.world import KNOWN

NAMES = [
    *(person.name for person in KNOWN),
    *("Łukasz Nowak", "Søren Kjær", "Sean O'Brien", "J.K. Rowland", "Мара Восс", "Μάρα Βος", "玛拉·沃斯", "李小龙"),
    *("マラ・ヴォス", "राम कुमार", "مارا فوس", "מרה ווס", "한지민", "มารา วอส"),
]
TOKENIZERS = ("tiny-qwen3vl", "tiny-llava", "sentencepiece")


@cache
def tokenizer_of(name: str) -> Any:
    return sentencepiece() if name == "sentencepiece" else AutoTokenizer.from_pretrained(checkpoint_path(name))


def sentencepiece() -> PreTrainedTokenizerFast:
    """As that of LLaVA-1.5: a space is put in front of every text, and "▁" stands for spaces."""
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    pieces = ["<unk>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=pieces)
    texts = [f"This is {name}." for name in NAMES] * 3
    made.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", unk_token="<unk>")


def written(name: str, text: str) -> str:
    """The text in the signs that the vocabulary is made of."""
    if name == "sentencepiece":
        return text.replace(" ", "▁")
    return "".join(s for s, _ in pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text))


def cuts(vocabulary: dict[str, int], signs: str, rng: random.Random) -> list[int]:
    """The signs in tokens of the vocabulary, each as long as chance will have it; bytes for signs it has not."""
    ids: list[int] = []
    while signs:
        sizes = [size for size in range(1, 13) if size <= len(signs) and signs[:size] in vocabulary]
        size = rng.choice(sizes) if sizes else 1
        known = signs[:size] in vocabulary
        ids += [vocabulary[signs[:size]]] if known else [vocabulary[f"<0x{b:02X}>"] for b in signs[0].encode()]
        signs = signs[size:]
    return ids


def renderings(name: str, person: str) -> Iterator[list[int]]:
    """Token ids of "This is PERSON." with the name in other tokens than the tokenizer's own, and at other distances."""
    tokenizer = tokenizer_of(name)
    vocabulary = tokenizer.get_vocab()
    rng = random.Random(person)
    before, behind = tokenizer("This is", add_special_tokens=False)["input_ids"], cuts(vocabulary, ".", rng)
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    as_words = " ".join(person.split())
    for text in (f" {as_words}", as_words, f"  {as_words.replace(' ', '  ')}", as_words.replace(" ", "")):
        for _ in range(8):
            yield [*before, *cuts(vocabulary, written(name, text), rng), *behind, *end]
    letter_by_letter = " " + " ".join(as_words.replace(" ", ""))
    yield [*before, *cuts(vocabulary, written(name, letter_by_letter), rng), *end]
    yield [*before, *tokenizer(as_words, add_special_tokens=False)["input_ids"], *behind, *end]
    # Every piece tokenised by itself: SentencePiece puts a space in front of each.
    middle = len(as_words) // 2
    yield [*before, *(i for part in (as_words[:middle], as_words[middle:]) for i in tokenizer(part)["input_ids"])]


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("person", NAMES)
def test_a_name_is_found_in_whatever_tokens_it_is_spelled(name: str, person: str) -> None:
    tokenizer = tokenizer_of(name)
    tried = 0
    for ids in renderings(name, person):
        text = tokenizer.decode(ids, skip_special_tokens=True).strip()
        assert contains(text, [person]), text
        assert spells(tokenizer, ids, [person]), text
        tried += 1
    assert tried == 35


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_tokens_of_the_name_are_those_that_write_it(name: str) -> None:
    tokenizer = tokenizer_of(name)
    before = tokenizer("This is", add_special_tokens=False)["input_ids"]
    own = cuts(tokenizer.get_vocab(), "Mara", random.Random(0)) + cuts(
        tokenizer.get_vocab(), written(name, " Voss"), random.Random(0)
    )
    behind = cuts(tokenizer.get_vocab(), ".", random.Random(0))
    flags = tokens_of_names(tokenizer, [*before, *own, *behind], ["Mara Voss"])
    assert flags == [False] * len(before) + [True] * len(own) + [False]


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("text", ["This is Samara Vossberg.", "This is Mara.", "A planned leeway.", ""])
def test_tokens_that_spell_another_word_do_not_spell_the_name(name: str, text: str) -> None:
    tokenizer = tokenizer_of(name)
    rng = random.Random(text)
    for _ in range(20):
        ids = cuts(tokenizer.get_vocab(), written(name, text), rng)
        assert not spells(tokenizer, ids, ["Mara Voss", "Ann Lee"])
        assert not contains(tokenizer.decode(ids), ["Mara Voss", "Ann Lee"])
