"""All passes, in their order."""

from __future__ import annotations

from tinyact.program.blocks import runs_joined
from tinyact.program.passes import (
    Plan,
    computed_once,
    copies_spared,
    kernels_opened,
    memory_reused,
    numbers_made_arrays,
    unused_dropped,
)

PASSES = (kernels_opened, computed_once, copies_spared, unused_dropped, runs_joined, numbers_made_arrays, memory_reused)


def improve(plan: Plan) -> None:
    """Go through all passes."""
    for improved in PASSES:
        improved(plan)
