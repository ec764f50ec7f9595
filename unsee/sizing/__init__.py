"""What a run takes, estimated from the configuration alone: parameters, memory, floating-point operations."""

from unsee.sizing.plan import RunPlan
from unsee.sizing.planned import plan_run

__all__ = ["RunPlan", "plan_run"]
