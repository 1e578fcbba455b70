"""A sweep as text: the chain rule as a table."""

from __future__ import annotations

from collections.abc import Iterator

from tinyact.inspect.drawing import DRAWABLE
from tinyact.inspect.grouped_trace import grouped_trace
from tinyact.inspect.steps import Step, Sweep
from tinyact.inspect.tree import aligned
from tinyact.numbers import in_full, short

_LEGEND = "g is the gradient on the left; a rule ∂/∂x = … is a factor: g · ∂/∂x goes on, summed over what was broadcast"

_HEAD: tuple[str, ...] = (
    "#", "gradient", "=", "norm", "least", "greatest", "zeros", "", "", "goes on by the rule"
)  # fmt: skip


def trace_text(trace: Sweep) -> str:
    """The chain rule as a table, a step a line, with a line for each further input that a gradient goes on to."""
    excerpt, note = trace, ""
    if len(trace.steps) > DRAWABLE:
        try:
            excerpt, note = grouped_trace(trace), "\n\nshown by module"
        except ValueError:
            note = f"\n\nthe first {DRAWABLE} of {len(trace.steps):,} steps"
    lines = [_HEAD]
    for step in excerpt.steps[:DRAWABLE]:
        lines += _step_lines(step)
    return "\n".join([*aligned(lines), "", _LEGEND]) + note


def _step_lines(step: Step) -> Iterator[tuple[str, ...]]:
    figures = ("",) * 4
    if step.gradient.size > 1:
        n = step.numbers
        bad = f", {n.not_finite:,} not finite" if n.not_finite else ""
        figures = (short(n.norm), short(n.least), short(n.greatest), f"{100 * n.zeros:.0f} %{bad}")
    start: tuple[str, ...] = (str(step.number), f"∂L/∂{step.node.name}", _sum(step), *figures)
    made_by = step.node.operation
    if not step.sent:
        yield (*start, made_by, "", "is added to .grad" if step.node.kind == "leaf" else "")
    goes_on = [(f"→ {sent.target.name}", sent.rule) for sent in step.sent]
    if step.node.kind == "group":
        out = [(f"→ {sent.target.name}", sent.rule) for sent in step.sent if sent.target.kind == "group"]
        inside = len(goes_on) - len(out)
        goes_on = [(f"→ {inside:,} leaves inside", "is added to .grad")] * (inside > 0) + out
    for target, rule in goes_on:
        yield (*start, made_by, target, rule)
        start, made_by = ("",) * len(start), ""


def _sum(step: Step) -> str:
    """``"2 + 3 = 5"``, or for larger arrays where the terms came from; 1 at the start."""
    total = in_full(step.gradient) if step.gradient.size <= 4 else ""
    if step.gradient.size <= 4:
        terms = [in_full(term.array) for term in step.terms]
    else:
        terms = [f"from {term.source.name}" if term.source else "given" for term in step.terms]
    hooked = "changed by a hook" if step.hooked else ""
    parts = [" + ".join(terms), hooked, total if len(terms) > 1 or hooked else ""]
    return " = ".join(part for part in parts if part)
