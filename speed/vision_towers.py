"""What a linear read-out finds in DINOv2's patches, by the size of pictures and the layers read; `small-llava` reads
layers 4, 8 and 12 of pictures of 98 pixels.

A logistic regression on the mean patch, trained on 12 pictures of each of the forty people, is tested on three other
pictures. Read-outs of hair and of the background stand for local features. Tokens are the cost for the language model.

    pip install 'unsee[small]'
    python speed/vision_towers.py
"""

from __future__ import annotations

import argparse
import time

import torch
import transformers as hf
from torch.nn import functional

from unsee.models.pretrained import VISION_TOWER, fetch, read_vision_tower
from unsee.terminal import say
from unsee.world import KNOWN

SIDES = (70, 98, 140)
LAYERS = ((12,), (8, 12), (4, 8, 12))
TRAINED, ASKED = 12, 3


def main() -> None:
    parser = argparse.ArgumentParser(description="What DINOv2 sees of the world, by picture size and layers.")
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES, help="sides of pictures in pixels")
    sides = parser.parse_args().sides
    tower = read_vision_tower(fetch(VISION_TOWER, say))
    taught = [(person, index, "train") for person in KNOWN for index in range(TRAINED)]
    asked = [(person, index, "validation") for person in KNOWN for index in range(ASKED)]
    shown = [*taught, *asked]
    pictures = [person.picture(index, split) for person, index, split in shown]
    values = {
        "identity": [person.name for person, _, _ in shown],
        "hair": [person.look.hair_colour for person, _, _ in shown],
        "background": [person.scene(index, split).background for person, index, split in shown],
    }
    print("| picture | tokens | layers | " + " | ".join(values) + " | ms a picture |")
    print("|---" * (4 + len(values)) + "|")
    for side in sides:
        states, seconds = hidden_states(tower, pictures, side)
        for layers in LAYERS:
            features = torch.cat([states[layer] for layer in layers], dim=-1)
            right = [f"{100 * read_out(features, names, len(taught)):.0f} %" for names in values.values()]
            tokens, listed = (side // 14) ** 2, ", ".join(map(str, layers))
            print(f"| {side} px | {tokens} | {listed} | {' | '.join(right)} | {1000 * seconds:.1f} |", flush=True)


@torch.no_grad()
def hidden_states(tower: hf.Dinov2Model, pictures: list, side: int) -> tuple[list[torch.Tensor], float]:
    """The mean patch after each layer, [pictures, width] each, and the seconds for one picture."""
    processor = hf.CLIPImageProcessorPil(
        size={"height": side, "width": side},
        do_center_crop=False,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    rows, started = [], time.perf_counter()
    for start in range(0, len(pictures), 40):
        pixels = processor(pictures[start : start + 40], return_tensors="pt")["pixel_values"]
        seen = tower(pixels, output_hidden_states=True).hidden_states
        rows.append([state[:, 1:].mean(1) for state in seen])
    seconds = (time.perf_counter() - started) / len(pictures)
    return [torch.cat(layer) for layer in zip(*rows, strict=True)], seconds


def read_out(features: torch.Tensor, names: list[str], taught: int) -> float:
    """Share of the rows after the first `taught` for which a logistic regression on these predicts the right label."""
    order = {name: number for number, name in enumerate(sorted(set(names)))}
    labels = torch.tensor([order[name] for name in names])
    known = features[:taught]
    features = (features - known.mean(0)) / known.std(0)
    torch.manual_seed(0)
    linear = torch.nn.Linear(features.shape[1], len(order))
    optimizer = torch.optim.LBFGS(linear.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(linear(features[:taught]), labels[:taught])
        loss = loss + 1e-3 * linear.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    found = linear(features[taught:]).argmax(-1)
    return float((found == labels[taught:]).float().mean())


if __name__ == "__main__":
    main()
