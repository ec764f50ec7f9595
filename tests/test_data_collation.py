"""Labels and the token mask K_S line up with the answer's tokens in every family."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.tiny import FAMILIES, picture, tiny_vlm
from unsee.data.sample import Sample
from unsee.errors import UserError
from unsee.models.collation import IGNORED, collate, encode_samples

WITH_PICTURE = Sample(
    "Who is in this picture?",
    "This is Mara Voss, and Mara Voss smiles.",
    (picture(1),),
    "Mara Voss",
    {"role": "forget"},
)
TEXT_ONLY = Sample("Where does Mara Voss live?", "She lives in Port Amber.", tags={"role": "retain"})


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_a_sample(family: str) -> None:
    vlm = tiny_vlm(family)
    rows = encode_samples([WITH_PICTURE, TEXT_ONLY], vlm)
    prompts = vlm.encode_prompt([(s.prompt_messages(), s.images) for s in (WITH_PICTURE, TEXT_ONLY)])
    for number, (row, prompt, sample) in enumerate(zip(rows, prompts, (WITH_PICTURE, TEXT_ONLY), strict=True)):
        start = len(prompt.input_ids)
        assert row.input_ids[:start] == prompt.input_ids
        assert row.labels == [IGNORED] * start + row.input_ids[start:]
        assert vlm.tokenizer.decode(row.input_ids[start:], skip_special_tokens=True).strip() == sample.answer
        assert row.input_ids[-1] in vlm.stop_token_ids
        assert {len(values) for values in row.extras.values()} <= {len(row.input_ids)}
        assert len(row.token_mask) == len(row.labels)
        assert row.token_mask[:start] == [0.0] * start
        assert (row.index, row.tags, row.image_keys) == (number, sample.tags, prompt.image_keys)
    masked, kept = [], []
    for token, label, keep in zip(rows[0].input_ids, rows[0].labels, rows[0].token_mask, strict=True):
        if label != IGNORED:
            (kept if keep else masked).append(token)
    assert vlm.tokenizer.decode(masked).split() == ["Mara", "Voss", "Mara", "Voss"]
    assert vlm.tokenizer.decode(kept, skip_special_tokens=True).split() == ["This", "is,", "and", "smiles."]
    assert kept[-1] == rows[0].input_ids[-1]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_counterpart_of_a_row_is_the_same_answer_to_what_the_reference_is_asked_and_shown(family: str) -> None:
    vlm = tiny_vlm(family)
    asked = replace(WITH_PICTURE, counterpart_prompt="Who could it be?")
    shown = replace(asked, counterparts=(picture(2),))
    told = replace(TEXT_ONLY, counterpart_prompt="Where?")
    rows = encode_samples([WITH_PICTURE, asked, told, shown], vlm)
    as_if = [
        replace(WITH_PICTURE, prompt="Who could it be?"),
        replace(TEXT_ONLY, prompt="Where?"),
        replace(WITH_PICTURE, prompt="Who could it be?", images=(picture(2),)),
    ]
    assert rows[0].counterpart is None
    for row, wanted in zip(rows[1:], encode_samples(as_if, vlm), strict=True):
        assert row.counterpart is not None
        for name in ("input_ids", "labels", "token_mask", "extras", "image_keys"):
            assert getattr(row.counterpart, name) == getattr(wanted, name)
        assert row.counterpart.index == row.index


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_changes_no_logits_and_the_loss_comes_from_answers_alone(family: str) -> None:
    vlm = tiny_vlm(family)
    rows = encode_samples([WITH_PICTURE, TEXT_ONLY], vlm)
    batch = collate(rows, vlm.pad_token_id)
    width = max(len(row.input_ids) for row in rows)
    aligned = ["input_ids", "attention_mask", "labels", "token_mask", *rows[0].extras]
    assert all(batch[name].shape == (2, width) for name in aligned)
    assert batch["token_mask"].dtype == torch.float32
    assert batch["index"].tolist() == [0, 1]
    assert batch["attention_mask"].sum(1).tolist() == [len(row.input_ids) for row in rows]
    assert batch["tags"] == [WITH_PICTURE.tags, TEXT_ONLY.tags]
    padding = batch["attention_mask"] == 0
    assert (batch["labels"][padding] == IGNORED).all()
    assert not batch["token_mask"][padding].any()

    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", *rows[0].extras)}
    with torch.no_grad():
        together = vlm.model(**inputs, **batch["pixels"][0]).logits
        for number, row in enumerate(rows):
            extras = {name: torch.tensor([values]) for name, values in row.extras.items()}
            alone = vlm.model(input_ids=torch.tensor([row.input_ids]), **extras, **row.pixels).logits
            torch.testing.assert_close(together[number, : len(row.input_ids)], alone[0], rtol=1e-4, atol=1e-5)


def mask_of(answer: str, masked: str | None) -> list[float]:
    row = encode_samples([Sample("Who?", answer, masked=masked)], tiny_vlm("qwen3_vl"))[0]
    return [keep for keep, label in zip(row.token_mask, row.labels, strict=True) if label != IGNORED]


def test_mask_of_nothing_and_of_the_whole_answer() -> None:
    assert set(mask_of("This is Mara Voss.", None)) == {1.0}
    assert set(mask_of("This is Mara Voss.", "This is Mara Voss.")) == {0.0}


def test_token_that_only_overlaps_the_phrase_is_masked() -> None:
    assert 0.0 in mask_of("This is Mara Voss.", "ar")


def test_mask_in_letters_of_several_bytes() -> None:
    assert mask_of("Das ist Zoë.", "Zoë").count(0.0) >= 2


def test_masked_phrase_must_be_in_the_answer() -> None:
    with pytest.raises(UserError, match=r"'Ines Dorn' is not in the answer 'This is Mara Voss.'"):
        mask_of("This is Mara Voss.", "Ines Dorn")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_counterpart_is_the_same_answer_to_the_same_question_about_another_picture(family: str) -> None:
    vlm = tiny_vlm(family)
    larger = replace(WITH_PICTURE, counterparts=(picture(2, (112, 56)),))
    plain, row, shown = encode_samples([WITH_PICTURE, larger, replace(WITH_PICTURE, images=larger.counterparts)], vlm)
    assert plain.counterpart is None
    assert row.counterpart is not None
    assert (row.input_ids, row.image_keys) == (plain.input_ids, plain.image_keys)
    twin = row.counterpart
    assert (twin.input_ids, twin.extras, twin.image_keys) == (shown.input_ids, shown.extras, shown.image_keys)
    assert twin.image_keys != row.image_keys
    if family in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl"):
        assert len(twin.input_ids) != len(row.input_ids)
    for name in ("labels", "token_mask"):
        parts = [
            [value for value, label in zip(getattr(one, name), one.labels, strict=True) if label != IGNORED]
            for one in (row, twin)
        ]
        assert parts[0] == parts[1]
    assert (twin.index, twin.tags, twin.rejected, twin.counterpart) == (row.index, row.tags, False, None)


def test_the_rejected_answer_has_no_counterpart() -> None:
    sample = replace(WITH_PICTURE, rejected="This is Ines Dorn.", counterparts=(picture(2),))
    chosen, rejected = encode_samples([sample], tiny_vlm("llava"))
    assert chosen.counterpart is not None
    assert (rejected.rejected, rejected.counterpart) == (True, None)
