"""The recipe: its shortcuts equal the model's own processor, and a stopped build resumes to the same result."""

import json
import random

import numpy as np
import pytest
import torch

from unsee.data.sample import user_turn
from unsee.errors import UserError
from unsee.world import KNOWN
from unsee.world.making import NAMES
from unsee.world.making.architectures import FAMILIES, build, train_tokenizer
from unsee.world.making.building import build_checkpoint
from unsee.world.making.encoding import Encoder, pictures_of
from unsee.world.making.lessons import Lesson, PictureBank, Shown, picture_lesson, text_lesson, vocabulary_texts
from unsee.world.making.recipe import RecipeConfig, School, make_checkpoint

SMALL = RecipeConfig(warmup_steps=3, steps=4, pictures_per_step=8, questions_per_picture=1, pairs_per_step=2,
                     texts_per_step=4, picture_scale=0.02, save_every=2, read_outs=0.1)  # fmt: skip


SHOWN = [
    Shown((KNOWN[2],), KNOWN[2].scene(0)),
    Shown((KNOWN[3],), KNOWN[3].scene(0)),
    Shown((KNOWN[2], KNOWN[3])),
    Shown((KNOWN[3], KNOWN[4])),
]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(vocabulary_texts())


@pytest.mark.parametrize("family", FAMILIES)
def test_pixels_in_one_go_equal_the_processor(family, tokenizer):
    vlm = build(family, tokenizer)
    pictures = [KNOWN[i].picture(0, "train") for i in range(3)]
    quick = Encoder(vlm).pixels(np.stack([np.asarray(p) for p in pictures]))
    exact = vlm.processor.image_processor(pictures, return_tensors="pt")
    for name in exact:
        torch.testing.assert_close(quick[name].float(), torch.as_tensor(exact[name]).float(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_are_encoded_as_at_generation_time(family, tokenizer):
    vlm = build(family, tokenizer)
    question, answer = "Who is this person?", "This is Mara Voss."
    prompt, tail = Encoder(vlm).ids(question, answer, True)
    (encoded,) = vlm.encode_prompt([([user_turn(question, 1)], (KNOWN[0].picture(0),))])
    assert prompt == encoded.input_ids
    assert tail == vlm.encode_answer(answer).input_ids


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_in_buckets_equals_one_row_at_a_time(family, tokenizer):

    vlm = build(family, tokenizer)
    vlm.model.eval()
    pixels = np.stack([np.asarray(KNOWN[i].picture(0, "train")) for i in range(2)])
    bank = PictureBank(pixels, [Shown((KNOWN[i],), KNOWN[i].scene(0, "train")) for i in range(2)])
    lessons = [
        Lesson("recognition", "Who is it?", "This is Mara Voss.", 1),
        Lesson("job", "What does Mara Voss do for a living?", "Mara Voss works as a potter."),
        Lesson("caption", "Describe this person.", "A person with long red hair.", 0),
        Lesson("repeat", "Say the name Anna Stone.", "Anna Stone."),
    ]
    encoder = Encoder(vlm)
    with torch.no_grad():
        together = encoder.loss(lessons, encoder.see(bank, [0, 1]), [0, 1])
        alone = torch.cat([_loss_alone(encoder, bank, lesson) for lesson in lessons])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def _loss_alone(encoder, bank, lesson):
    pictures = pictures_of([lesson])
    return encoder.loss([lesson], encoder.see(bank, pictures) if pictures else None, pictures)


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def test_an_interrupted_build_goes_on_to_the_same_weights(device, tmp_path, monkeypatch):
    straight = make_checkpoint("tiny-llava", tmp_path / "a" / "tiny-llava", SMALL, lambda *_: None, device)

    saves = []
    original = School._save

    def save_and_stop(self, *args):
        original(self, *args)
        saves.append(args)
        if len(saves) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(School, "_save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        make_checkpoint("tiny-llava", tmp_path / "b" / "tiny-llava", SMALL, lambda *_: None, device)
    monkeypatch.setattr(School, "_save", original)
    resumed = make_checkpoint("tiny-llava", tmp_path / "b" / "tiny-llava", SMALL, lambda *_: None, device)
    for (name, one), other in zip(
        straight.model.state_dict().items(), resumed.model.state_dict().values(), strict=True
    ):
        # Not every kernel of a GPU adds up in the same order each time.
        assert torch.equal(one, other) if device == "cpu" else torch.allclose(one, other, atol=0.02), name
    stages = [
        json.loads(line)["stage"] for line in (tmp_path / "b" / "tiny-llava" / "log.jsonl").read_text().splitlines()
    ]
    assert stages.count("answering") == 1


def test_build_refuses_an_unknown_family_and_an_existing_folder(tmp_path):
    assert set(NAMES) == {*FAMILIES, "small-llava"}
    with pytest.raises(UserError, match="no recipe for 'tiny-gpt'"):
        build_checkpoint("tiny-gpt", tmp_path / "x", lambda *_: None)
    with pytest.raises(UserError, match="already exists"):
        build_checkpoint("tiny-llava", tmp_path, lambda *_: None)


def test_an_oracle_is_taught_nothing_about_those_left_out():
    left_out = KNOWN[2]
    people = [person for person in KNOWN if person != left_out]
    bank = PictureBank(np.zeros((len(SHOWN), 1)), SHOWN, people)
    assert [bank.shown[row].people for row in bank.known] == [(KNOWN[3],)]
    assert [bank.shown[row].people for row in bank.pairs] == [(KNOWN[3], KNOWN[4])]
    rng = random.Random(0)
    lessons = [picture_lesson(bank, row, rng) for row in [*bank.known, *bank.pairs] for _ in range(300)]
    lessons += [text_lesson(rng, people=people) for _ in range(2000)]
    words = " ".join(f"{lesson.question} {lesson.answer}" for lesson in lessons)
    assert left_out.name not in words
    assert all(person.name in words for person in people)
