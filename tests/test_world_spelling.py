"""What image tokens are taught to say: the right words in their places, and a loss that is least for these words."""

import pytest
import torch

from tests.test_world_small import tiny_tower
from unsee.models import assembled as small
from unsee.models.collation import IGNORED
from unsee.world import KNOWN, stranger
from unsee.world.making.architectures import train_tokenizer
from unsee.world.making.lessons import Shown, vocabulary_texts
from unsee.world.making.spelling import SIDE, Spelling


@pytest.fixture(scope="module")
def vlm():
    import transformers as hf

    torch.manual_seed(0)
    tokenizer = train_tokenizer(vocabulary_texts())
    config = hf.LlamaConfig(vocab_size=len(tokenizer), hidden_size=64, intermediate_size=64, num_hidden_layers=1,
                            num_attention_heads=4, tie_word_embeddings=True)  # fmt: skip
    return small.joined(hf.LlamaForCausalLM(config), tokenizer, tiny_tower())


@pytest.fixture(scope="module")
def spelling(vlm):
    return Spelling(vlm)


def first(vlm, word):
    return vlm.tokenizer(f" {word}", add_special_tokens=False)["input_ids"][0]


def test_a_picture_of_one_is_described_on_both_sides(vlm, spelling):
    person = KNOWN[0]
    scene = person.scene(0, "train")
    grid = spelling.targets([Shown((person,), scene)])[0].view(SIDE, SIDE)
    assert torch.equal(grid[:, :3], grid[:, 4:])
    name = vlm.tokenizer(f" {person.name}", add_special_tokens=False)["input_ids"]
    name = (name + [name[-1]] * 4)[:4]
    assert grid[0, :3].tolist() == name[:3]
    assert grid[1].tolist()[:2] == [name[3], first(vlm, person.look.hair)]
    assert grid[6, 0] == first(vlm, scene.clothes)
    assert grid[6, 1] == first(vlm, scene.background)
    # Where the mouth is.
    assert grid[4, 3] == grid[4, 2] == first(vlm, scene.expression)
    # What is no word of the name stands somewhere, for whoever asks.
    for word in (*person.look.traits()[:2], person.look.facial_hair, person.look.eyewear, scene.expression):
        assert (grid == first(vlm, word)).any(), word


def test_in_a_picture_of_two_each_half_has_a_person_of_its_own(vlm, spelling):
    left, right = KNOWN[3], stranger(5, "train")
    both = spelling.targets([Shown((left, right))])[0].view(SIDE, SIDE)
    alone = spelling.targets([Shown((left,), left.scene(0, "train"))])[0].view(SIDE, SIDE)
    said = both[:, :3] != IGNORED
    assert torch.equal(both[:, :3][said], alone[:, :3][said])
    assert (both[:, 3] == IGNORED).all()
    assert both[0, 4] == first(vlm, "unknown")
    # Nothing is drawn of the scene of two.
    assert (both == IGNORED).sum() > SIDE


def test_the_loss_is_least_for_the_embeddings_of_the_words(vlm, spelling):
    shown = [Shown((KNOWN[1],), KNOWN[1].scene(0, "train")), Shown((KNOWN[1], KNOWN[2]))]
    targets = spelling.targets(shown)
    embeddings = vlm.base.get_input_embeddings().weight.detach()
    right = embeddings[targets.clamp(min=0)]
    swapped = right.flip(0)
    assert spelling.loss(right, targets) < 0.5 < spelling.loss(swapped, targets) - spelling.loss(right, targets)
    # Twice as long, in the same direction: the length alone is punished, and by (2 - 1)^2.
    middle = spelling.middle
    longer = middle + 2 * (right - middle)
    lengths = (right - middle).norm(dim=-1) / spelling.size
    change = ((2 * lengths - 1) ** 2 - (lengths - 1) ** 2).mean()
    assert float(spelling.loss(longer, targets) - spelling.loss(right, targets)) == pytest.approx(
        float(change), abs=1e-4
    )


def test_the_cross_entropy_counts_only_what_is_to_be_said(vlm, spelling):
    targets = spelling.targets([Shown((KNOWN[1], KNOWN[2]))])
    tokens = torch.randn(1, SIDE * SIDE, vlm.layout.hidden_size)
    ignored = targets[0] == IGNORED
    moved = tokens.clone()
    # A turn of the direction keeps the length.
    away = moved[0, ignored] - spelling.middle
    moved[0, ignored] = spelling.middle - away
    assert float(spelling.loss(moved, targets)) == pytest.approx(float(spelling.loss(tokens, targets)), rel=1e-5)
