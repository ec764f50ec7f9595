"""What to change where a run does not fit."""

from __future__ import annotations

from unsee.sizing.plan import RunPlan

ROOM = 0.9
"""Share of a device's memory that a plan may take: allocators never use all of it."""


def advice(plan: RunPlan) -> tuple[str, ...]:
    """Sentences: whether the run fits, and what would make it smaller, most effective first."""
    if plan.peak <= ROOM * plan.memory:
        return ()
    where = "GPU" if plan.device == "gpu" else "machine"
    need, have = plan.peak / 2**30, plan.memory / 2**30
    tight = "does not fit" if not plan.fits else "hardly fits"
    lines = [f"This run {tight}: it takes {need:.1f} GiB while {plan.largest}, and the {where} has {have:.1f} GiB."]
    parts = plan.phases[plan.largest]
    if plan.largest == "loading" and "checkpoint file" in parts:
        lines.append("On a CPU weights are float32 by default: give dtype bfloat16 in a recipe for half of that.")
    if plan.settings["full"]:
        lines.append("Train an adapter in place of all weights: --set full=false.")
    if plan.device == "gpu" and "4 bits" not in plan.dtype and plan.method not in ("asru", "mmunlearner"):
        lines.append("Load the language model in 4 bits: --4bit.")
    if plan.largest in ("training", "reinforcement"):
        if plan.settings["batch"] > 1:
            half = max(1, plan.settings["batch"] // 2)
            doubled = plan.settings["accumulate"] * 2
            lines.append(f"Take smaller batches, more of them: --set batch={half} --set accumulate={doubled}.")
        if not plan.settings["gradient_checkpointing"]:
            lines.append("Compute activations anew in the backward pass: --set gradient_checkpointing=true.")
    if plan.largest == "asking":
        lines.append("Most of it holds the questions of the evaluation; unlearning alone takes "
                     f"{plan.unlearning / 2**30:.1f} GiB.")  # fmt: skip
    return tuple(lines)
