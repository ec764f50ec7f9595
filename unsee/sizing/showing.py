"""A plan as tables for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from unsee.sizing.plan import RunPlan


def plan_tables(plan: RunPlan) -> RenderableType:
    """What is trained, memory by phase and part, operations, and advice if the run does not fit; memory in MB (10^6
    bytes)."""
    head = Text.assemble(
        (f"{plan.method} on {plan.model}", "bold"),
        f"\n{_count(plan.parameters)} parameters in {plan.dtype}, {_count(plan.trained)} trained "
        f"({plan.trained / plan.parameters:.1%})"
        f"\n{plan.samples} samples, {plan.steps} steps of {plan.settings['batch']}"
        + (f" x {plan.settings['accumulate']}" if plan.settings["accumulate"] > 1 else "")
        + f", {plan.tokens} tokens in the largest batch"
        + (f"; up to {plan.most_steps} steps until the substitute is learnt" if plan.most_steps > plan.steps else ""),
    )
    memory = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    memory.add_column("memory")
    memory.add_column("MB", justify="right")
    memory.add_column()
    for phase, parts in plan.phases.items():
        style = "bold" if phase == plan.largest else ""
        told = ", ".join(f"{part} {size / 1e6:,.0f}" for part, size in parts.items() if size >= 5e5)
        memory.add_row(Text(phase, style), Text(f"{sum(parts.values()) / 1e6:,.0f}", style), Text(told, "dim"))
    work = ", ".join(f"{phase} {operations / 1e12:,.2f}" for phase, operations in plan.flops.items())
    tera = Text(f"{sum(plan.flops.values()) / 1e12:,.2f} TFLOP without evaluation ({work})")
    where = "the GPU" if plan.device == "gpu" else "this machine"
    fits = Text(
        f"{plan.peak / 1e6:,.0f} MB at most, of {plan.memory / 1e6:,.0f} MB on {where}.",
        "bold green" if not plan.advice else "bold red" if not plan.fits else "bold yellow",
    )
    return Padding(Group(head, Text(), memory, Text(), tera, fits, *map(Text, plan.advice)), (1, 2))


def _count(number: int) -> str:
    for size, unit in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if number >= size:
            return f"{number / size:.2f}{unit}"
    return str(number)
