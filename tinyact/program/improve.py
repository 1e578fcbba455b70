"""All passes, in their order."""

from __future__ import annotations

from tinyact.program.blocks import runs_joined
from tinyact.program.passes import (
    Plan,
    computed_once,
    copies_spared,
    memory_reused,
    numbers_made_arrays,
    opened,
    unused_dropped,
)

PASSES = (computed_once, copies_spared, unused_dropped, runs_joined, numbers_made_arrays, memory_reused)


def improve(plan: Plan) -> None:
    """Go through all passes."""
    plan.calls = opened(plan.calls)
    for improved in PASSES:
        improved(plan)
