"""The profile: which parts of a program it times."""

from __future__ import annotations

import tinyact
from benchmarks.speed.profile import parts, step_table


def test_every_forward_and_every_rule_is_timed() -> None:
    x, w = tinyact.ones(3, 4, requires_grad=True), tinyact.ones(2, 4)
    times = parts(lambda: (x @ w.t() * 2).sum().backward(), 3)
    assert set(times) == {
        "Matmul: forward", "Matmul: ∂/∂a", "Mul: forward", "Mul: ∂/∂a", "Sum: forward", "Sum: ∂/∂x"
    }  # fmt: skip
    assert all(time > 0 for time in times.values())


def test_the_parts_of_a_step_and_the_engine_are_the_whole() -> None:
    head, _, *rows, whole, end = step_table("step, batch 32, 100→16→1", 20)
    assert head.startswith("| a step, batch 32, 100→16→1 |")
    assert rows[-1].startswith("| the engine: ")
    assert {"Linear: forward", "Linear: ∂/∂weight", "ReLU: ∂/∂x", "Adam: step"} <= {
        row.split(" | ")[0][2:] for row in rows
    }
    cells = [float(row.split("|")[2]) for row in (*rows, whole)]
    assert abs(sum(cells[:-1]) - cells[-1]) < 1
    assert end == ""
