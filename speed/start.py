"""How soon a command says something: slips, help, and commands that need no model, beside another checkout.

Each command runs in a process of its own, in turn with the same command of the other checkout; what counts is the
processor time of user and system, because a busy machine makes wall time longer for neither reason that is ours. The
first round warms the disk and is thrown away.

    git worktree add /tmp/before COMMIT
    python speed/start.py --against /tmp/before

Exits with status 1 if a slip takes more than half a second, or the imports of `unsee forget` more than 0.4 of what they
take there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SLIP_BAR, IMPORT_BAR = 0.5, 0.4
FORGET = ["forget", "-m", "world:tiny-qwen3vl", "-c", "Mara Voss", "-i", "mara.png"]
SLIPS = {
    "forget --method sui": [*FORGET, "--method", "sui"],
    "forget --set step=3": [*FORGET, "--set", "step=3"],
    "forget --audit quik": [*FORGET, "--audit", "quik"],
    "forget -m world:tiny-qwen3v": ["forget", "-m", "world:tiny-qwen3v", *FORGET[3:]],
    "demo --method sui": ["demo", "--method", "sui"],
    "audit --level quik": ["audit", "nothere", "--level", "quik"],
    "plan --set steps=0": ["plan", "-m", "x", "--set", "steps=0"],
    "evaluate --judge rule": ["evaluate", "-m", "x", "-b", "world", "--judge", "rule"],
    "report diff of no report": ["report", "diff", ".", "."],
    "evidence make of no run": ["evidence", "make", ".", "--out", "o"],
    "evaluate -c Mora": ["evaluate", "-m", "x", "-b", "world", "-c", "Mora"],
    "forget --device cdua": [*FORGET, "--device", "cdua"],
    "export --dtype bf61": ["export", "-m", "x", "--out", "o", "--dtype", "bf61"],
    "verify of no run": ["verify", "--run", "nothere", "--file", "x"],
    "compare --engine rey": ["compare", "nothere.yaml", "--engine", "rey"],
    "compare --audit quik": ["compare", "nothere.yaml", "--audit", "quik"],
    "world build tiny-lava": ["world", "build", "tiny-lava", "--out", "o"],
    "world check tiny-lava": ["world", "check", "tiny-lava"],
}
HELP = {"--help": ["--help"], "forget --help": ["forget", "--help"]}
OTHERS = {"methods": ["methods"], "kinds": ["kinds"]}
PLAIN = "import sys; sys.modules.update(torchao=None, bitsandbytes=None); "
"""As where `unsee` is installed without the extras `int8` and `quantize`, which transformers and PEFT import too."""
IMPORTS = {
    "import of forget": f"{PLAIN}import unsee.commands.forget",
    "import of audit": f"{PLAIN}import unsee.commands.audit",
    "import of evaluate": f"{PLAIN}import unsee.commands.evaluate",
    "import of forget, all extras": "import unsee.commands.forget",
    "import of torch alone": "import torch",
    "import of transformers' models": f"{PLAIN}import transformers.modeling_utils",
}


def cost(arguments: list[str], checkout: Path, folder: str) -> tuple[float, float]:
    """Processor time and peak memory (MB) of one process that runs Python with `arguments`."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="only the rows whose name holds this text")
    options = parser.parse_args()
    checkouts = [ROOT, *([options.against.resolve()] if options.against else [])]
    asked = {name: ["-m", "unsee", *words] for name, words in {**SLIPS, **HELP, **OTHERS}.items()}
    asked |= {name: ["-c", code] for name, code in IMPORTS.items()}
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        Image.new("RGB", (64, 64), "grey").save(Path(folder, "mara.png"))
        print("| | seconds, median (range); peak, MB | there | ratio |\n|---|---:|---:|---:|")
        for name, arguments in asked.items():
            if options.only not in name:
                continue
            rounds = [[cost(arguments, checkout, folder) for checkout in checkouts] for _ in range(options.runs + 1)]
            here, *there = ([taken[side][0] for taken in rounds[1:]] for side in range(len(checkouts)))
            peaks = [median(taken[side][1] for taken in rounds) for side in range(len(checkouts))]
            cells = [
                f"{median(side):.2f} ({min(side):.2f}–{max(side):.2f}); {peak:.0f}"
                for side, peak in zip((here, *there), peaks, strict=True)
            ]
            ratio = median(here) / median(there[0]) if there else None
            print(f"| {name} | {' | '.join(cells)} | {f'{ratio:.2f}' if ratio else '–'} |", flush=True)
            if name in SLIPS and median(here) > SLIP_BAR:
                missed.append(f"{name}: {median(here):.2f} s")
            if name == "import of forget" and ratio is not None and ratio > IMPORT_BAR:
                missed.append(f"{name}: {ratio:.2f}")
    print("\nMissed: " + "; ".join(missed) if missed else "\nAll bars are met.")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
