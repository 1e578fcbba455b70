"""The graph as PyTorch shows it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch

import tinyact


@pytest.mark.parametrize("m", [tinyact, torch])
def test_leaves_are_shown_as_accumulate_grad(m: Any) -> None:
    x, w = m.ones(2, requires_grad=True), m.ones(2, requires_grad=True)
    y = (x * w + x * 2).sum()
    ((plus, _),) = y.grad_fn.next_functions
    (first, _), (second, _) = plus.next_functions
    (leaf, place), (other, _) = first.next_functions
    assert (leaf.variable is x, other.variable is w, place) == (True, True, 0)
    assert (type(leaf).__name__, leaf.name(), leaf.next_functions) == (
        "AccumulateGrad",
        "torch::autograd::AccumulateGrad",
        (),
    )
    assert second.next_functions[0][0] is leaf
    assert second.next_functions[1] == (None, 0)
    assert x.expand(3, 2).grad_fn.next_functions[0][0] is leaf


@pytest.mark.parametrize("m", [tinyact, torch])
def test_a_drawing_program_finds_every_node_once(m: Any) -> None:
    model = m.nn.Sequential(m.nn.Linear(2, 3), m.nn.ReLU(), m.nn.Linear(3, 1))
    seen: dict[Any, str] = {}

    def visit(node: Any) -> None:
        if node is not None and node not in seen:
            seen[node] = str(tuple(node.variable.shape)) if hasattr(node, "variable") else node.name()
            for following, _ in node.next_functions:
                visit(following)

    visit(model(m.ones(4, 2)).grad_fn)
    leaves = sorted(name for name in seen.values() if name.startswith("("))
    assert leaves == ["(1, 3)", "(1,)", "(3, 2)", "(3,)"]


def test_what_stands_for_a_leaf_goes_with_it() -> None:
    x = tinyact.ones(2, requires_grad=True)
    node = (x * 2).grad_fn.next_functions[0][0]
    gone = weakref.ref(x)
    del x, node
    gc.collect()
    assert gone() is None
