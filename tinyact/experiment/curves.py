"""Every activation at a glance: ``tinyact curves --out DIR``.

The pictures are computed by the library, the table is read from the docstrings of its functions.
"""

from __future__ import annotations

from collections.abc import Collection
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
    if name == "softmax":  # of two numbers, of which one is 0: the share of the other
        y = function(tinyact.stack([t, tinyact.zeros_like(t)]), 0)[0]
    else:
        y = function(t, *settings.get(name, ()))
    ones = tinyact.ones(t.shape, dtype=tinyact.float64)
    (slope,) = tinyact.autograd.grad(y, t, ones, create_graph=True)
    if not slope.requires_grad:
        return [y.detach().numpy(), slope.numpy(), np.zeros_like(x)]
    bend = tinyact.autograd.grad(slope, t, ones, allow_unused=True)[0]
    return [y.detach().numpy(), slope.detach().numpy(), np.zeros_like(x) if bend is None else bend.numpy()]


def draw(file: Any, only: Collection[str] | None = None) -> bool:
    """Small multiples of the activations of single elements, with both derivatives.

    Args:
        file: where the picture goes: a path, whose ending says in which format, or a stream of text for SVG.
        only: these activations; by default all.

    Returns:
        Whether there was any to draw.

    Raises:
        ImportError: if matplotlib is not installed (``pip install "tinyact[plot]"``).
    """
    rest = ("softmin", "log_softmax", "glu", "maxout", *(() if only else ("softmax",)))
    names = [name for name in activations() if name not in rest and (only is None or name in only)]
    if not names:
        return False
    figure, panels = small_multiples(len(names), 4, width=12, height=2.4, sharex=True)
    x = np.linspace(-5, 5, 2001)
    for axes, name in zip(panels, names, strict=True):
        for values, label, style in zip(curve(name, x), ("f", "f′", "f″"), ("-", "--", ":"), strict=True):
            # A jump is a gap, not a slope.
            jumps = np.abs(np.diff(values, append=values[-1])) > 0.2
            axes.plot(x, np.where(jumps, np.nan, values), style, label=label)
        axes.set_title(f"{name}, of x beside 0" if name == "softmax" else name, fontsize=10)
        axes.set_ylim(-2, 4)
        axes.grid(alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    figure.savefig(file, dpi=110, format=None if isinstance(file, Path) else "svg")
    return True
