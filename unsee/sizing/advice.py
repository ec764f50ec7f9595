"""What to change if a run does not fit."""

from __future__ import annotations

from unsee.sizing.plan import RunPlan

ROOM = 0.9
"""Share of a device's memory that a plan may take: allocators never use all of it."""


def advice(plan: RunPlan) -> tuple[str, ...]:
    """Sentences: whether the run fits, and what would make it smaller, the most effective first."""
    if plan.peak <= ROOM * plan.memory:
        return ()
    where = "GPU" if plan.device == "gpu" else "machine"
    need, have = plan.peak / 1e6, plan.memory / 1e6
    tight = "does not fit" if not plan.fits else "hardly fits"
    lines = [f"This run {tight}: it takes {need:,.0f} MB while {plan.largest}, and the {where} has {have:,.0f} MB."]
    parts = plan.phases[plan.largest]
    if plan.largest == "loading" and "checkpoint file" in parts:
        lines.append("On a CPU weights are float32 by default; set dtype bfloat16 in a recipe for half of that.")
    if plan.settings["full"]:
        lines.append("Train an adapter instead of all weights: --set full=false.")
    if plan.device == "gpu" and "4 bits" not in plan.dtype and plan.method not in ("asru", "mmunlearner"):
        lines.append("Load the language model in 4 bits: --4bit.")
    if plan.largest in ("training", "reinforcement"):
        if plan.settings["batch"] > 1:
            half = max(1, plan.settings["batch"] // 2)
            doubled = plan.settings["accumulate"] * 2
            lines.append(f"Use smaller batches, and more of them: --set batch={half} --set accumulate={doubled}.")
        if not plan.settings["gradient_checkpointing"]:
            lines.append("Recompute activations in the backward pass: --set gradient_checkpointing=true.")
    if plan.largest == "asking":
        lines.append(f"Most of it is for the evaluation; unlearning alone takes {plan.unlearning / 1e6:,.0f} MB.")
    return tuple(lines)
