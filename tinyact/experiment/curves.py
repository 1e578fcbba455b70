"""Every activation at a glance: ``tinyact curves --out DIR``.

The pictures are computed by the library, the table is read from the docstrings of its functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import tinyact
from tinyact.autograd.mathematics import Facts, facts
from tinyact.experiment.plot import small_multiples
from tinyact.nn import activations


def operations() -> dict[str, Any]:
    """The operation behind each activation, whose docstring has the facts; softmin is softmax of −x."""
    classes = {name: getattr(module.function, "operation", None) for name, module in activations().items()}
    return {name: operation for name, operation in classes.items() if operation is not None}


def table() -> str:
    """All facts about all activations, as Markdown."""
    heads = ["function", *Facts._fields]
    lines = [f"| {' | '.join(head.replace('_', ' ') for head in heads)} |", "|---" * len(heads) + "|"]
    for name, operation in operations().items():
        cells = [f"`{name}`", *facts(operation)]
        lines.append(f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |")
    return "\n".join(lines)


def curve(name: str, x: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The function with its default settings, its first and its second derivative, at float64 numbers."""
    function = activations()[name].function
    settings = {"threshold": (0.5, 0.0), "prelu": (tinyact.tensor([0.25], dtype=tinyact.float64),)}
    t = tinyact.from_numpy(x).requires_grad_()
    y = function(t, *settings.get(name, ()))
    ones = tinyact.ones(t.shape, dtype=tinyact.float64)
    (slope,) = tinyact.autograd.grad(y, t, ones, create_graph=True)
    if not slope.requires_grad:
        return [y.detach().numpy(), slope.numpy(), np.zeros_like(x)]
    bend = tinyact.autograd.grad(slope, t, ones, allow_unused=True)[0]
    return [y.detach().numpy(), slope.detach().numpy(), np.zeros_like(x) if bend is None else bend.numpy()]


def draw(path: Path) -> None:
    """Small multiples of all activations of single elements, with both derivatives.

    Args:
        path: where the picture goes; its ending says in which format.

    Raises:
        ImportError: if matplotlib is not installed (``pip install "tinyact[plot]"``).
    """
    names = [name for name in activations() if name not in ("softmax", "softmin", "log_softmax", "glu", "maxout")]
    figure, panels = small_multiples(len(names), 4, width=12, height=2.4, sharex=True)
    x = np.linspace(-5, 5, 2001)
    for axes, name in zip(panels, names, strict=True):
        for values, label, style in zip(curve(name, x), ("f", "f′", "f″"), ("-", "--", ":"), strict=True):
            # A jump is a gap, not a slope.
            jumps = np.abs(np.diff(values, append=values[-1])) > 0.2
            axes.plot(x, np.where(jumps, np.nan, values), style, label=label)
        axes.set_title(name, fontsize=10)
        axes.set_ylim(-2, 4)
        axes.grid(alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    figure.savefig(path, dpi=110)
