"""Methods on CLEAR's protocol beside an oracle that `unsee compare` trains:

    python recipes/protocols/oracle.py FOLDER

Twenty new people, whom no model of the world knows, are written in CLEAR's layout. The world's model is fine-tuned on
all of them, as CLEAR's authors do with LLaVA: that is the model that forgets 5 and 10 % of them. The oracle is
fine-tuned in the same way on the retain set alone. Methods are those that forget with pictures and in text, because the
oracle knows nothing of either. The same command resumes.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from unsee.benchmarks import Scope
from unsee.benchmarks.published.clear import SPLITS, Clear
from unsee.benchmarks.world_layouts.clear import write
from unsee.sweep.oracle_training import fine_tune
from unsee.world import Person, nobody, stranger
from unsee.world.names import CITIES, JOBS, PETS

PEOPLE, PICTURES = 20, 8
METHODS = (
    "retain_only",
    "po",
    "dpo",
    "ga",
    "ga_diff",
    "ga_kl",
    "npo",
    "simnpo",
    "rmu",
    "mmunlearner",
)
DATA, LEARNT, VANILLA = "clear-new", "learnt", "vanilla"


def newcomers(count: int) -> list[Person]:
    """People with a look, a name and a life, none of which the world's models were taught together."""
    rng = random.Random("newcomers")
    names: dict[str, None] = {}
    while len(names) < count:
        names[nobody(rng)] = None
    found: list[Person] = []
    number = 0
    for name in names:
        person = stranger(number, "train")
        while any(person.look.distance(other.look) < 2 for other in found):
            number += 1
            person = stranger(number, "train")
        job, tool = rng.choice(JOBS)
        city, country = rng.choice(CITIES)
        found.append(
            replace(
                person, name=name, job=job, tool=tool, city=city, country=country, pet=rng.choice(PETS),
                birth_year=rng.randint(1940, 1999),
            )
        )  # fmt: skip
    return found


def unsee(*words: str) -> None:
    """Run a command; raises SystemExit with its status if it fails."""
    status = subprocess.run([sys.executable, "-m", "unsee", *words], check=False).returncode
    if status:
        raise SystemExit(status)


def teach(model: str, splits: Sequence[str], settings: Sequence[str]) -> None:
    """The model that knows all of them: what every split forgets and retains."""
    if Path(VANILLA).exists():
        return
    bench = Clear.of(Scope(location=Path(DATA), split=splits[0]))
    requests = bench.to_forget().requests
    forgotten = [example for request in requests for example in request.forget]
    if not Path(LEARNT).exists():
        fine_tune(model, [*forgotten, *bench.retained()], requests, Path(LEARNT), settings)
    unsee("export", "--model", LEARNT, "--out", VANILLA)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="world:tiny-qwen3vl")
    parser.add_argument("--methods", nargs="+", default=[*METHODS])
    parser.add_argument("--splits", nargs="+", choices=[*SPLITS], default=["forget05", "forget10"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument(
        "--steps", type=int, default=1500, help="of each training, the vanilla model's and the oracle's"
    )
    parser.add_argument("--limit", type=int, help="people of each set to ask about; default: all")
    given = parser.parse_args(words)
    given.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(given.folder)
    settings = {"steps": given.steps, "batch": 8, "learning_rate": 1e-3, "lora_rank": 32, "lora_alpha": 64}
    if not Path(DATA).exists():
        write(Path(DATA), 0, newcomers(given.people), PICTURES)
    teach(given.model, given.splits, [f"{key}={value}" for key, value in settings.items()])
    recipe = {
        "models": [VANILLA],
        "methods": given.methods,
        "benchmark": f"./{DATA}",
        "splits": given.splits,
        "oracle": {"base": given.model, "set": settings},
        "seeds": given.seeds,
        "evaluation": {"max_new_tokens": 48, **({"limit": given.limit} if given.limit else {})},
    }
    Path("recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    unsee("compare", "recipe.yaml", "--out", "runs")
    unsee("leaderboard", "runs", "--metrics")


if __name__ == "__main__":
    main()
