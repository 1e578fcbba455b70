"""Changes in place: which results fit into which dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tinyact
from tests.against_torch import same, same_error, same_outcome

DTYPES = ("bool", "uint8", "int8", "int64", "float32", "float64")


@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize("other", DTYPES)
def test_a_result_of_a_higher_category_is_refused(target: str, other: str) -> None:
    outcomes: list[Any] = []
    for m in (tinyact, torch):
        x, y = (m.tensor([1, 0]).to(getattr(m, name)) for name in (target, other))
        try:
            outcomes.append((x.mul_(y).tolist(), str(x.dtype)))
        except RuntimeError:
            outcomes.append(RuntimeError)
    assert outcomes[0] == outcomes[1]


def test_a_change_in_another_dtype_is_recorded_in_its_own() -> None:
    x, y = tinyact.ones(2, requires_grad=True), tinyact.full((2,), 3.0, dtype=tinyact.float64, requires_grad=True)
    h = x * 2
    h.mul_(y)
    assert h.dtype is tinyact.float32
    h.sum().backward()
    assert x.grad is not None
    assert y.grad is not None
    assert (x.grad.dtype, y.grad.dtype) == (tinyact.float32, tinyact.float64)
    np.testing.assert_array_equal(x.grad.numpy(), [6, 6])
    np.testing.assert_array_equal(y.grad.numpy(), [2, 2])


CHANGES = [
    lambda x: x.add_(1), lambda x: x.mul_(2), lambda x: x.zero_(), lambda x: x.copy_(x.detach() + 3),
    lambda x: x.__setitem__(0, 7.0), lambda x: x.fill_(2.0),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("which", ["base", "sibling", "leaf", "view of the leaf", "view of the sibling"])
def test_changes_around_a_view_that_is_a_leaf(change: Any, which: str) -> None:
    def program(m: Any) -> Any:
        base = m.arange(6.0)
        leaf, sibling = base[:4], base[2:]
        leaf.requires_grad_()
        changed = {
            "base": lambda: base, "sibling": lambda: sibling, "leaf": lambda: leaf,
            "view of the leaf": lambda: leaf[1:], "view of the sibling": lambda: sibling[1:],
        }[which]()  # fmt: skip
        change(changed)
        (leaf * leaf).sum().backward()
        return base, leaf.detach(), leaf.grad, sibling

    if "leaf" in which:
        same_error(program)
    else:
        same(program)


@pytest.mark.parametrize("change", CHANGES[:4])
@pytest.mark.parametrize("sizes", [(2, 3), (1, 2, 3), (-1, 3), (4, 2, 3), (0, 2, 3)])
def test_changes_of_expanded_tensors(change: Any, sizes: Any) -> None:
    def changed(m: Any) -> Any:
        base = m.arange(6.0).reshape(2, 3)
        expanded = base.expand(sizes)
        change(expanded)
        return base, expanded

    if sizes == (4, 2, 3):
        if change is not CHANGES[2]:  # PyTorch fills what overlaps
            same_error(changed)
    else:
        same(changed)


def test_many_views_do_not_slow_a_change_down() -> None:
    x = tinyact.zeros(500)
    views = list(x)
    calls = []

    class Counted:
        def __call__(self) -> Any:
            calls.append(1)
            return views[0]

    assert x._views is not None
    x._views[1:] = [Counted() for _ in views]  # type: ignore[misc]
    x[3] = 5.0
    assert not calls


@pytest.mark.parametrize("sizes", [3, (), (1,), (2, 3), (1, 2, 3), (1, 1, 3), (4,), (0,), (2, 1), (1, 3)])
@pytest.mark.parametrize("target", [3, (), (1,), (2, 3), (0,)])
@pytest.mark.parametrize("name", ["copy_", "add_", "mul_"])
def test_what_is_written_broadcasts_to_what_is_there(name: str, target: Any, sizes: Any) -> None:
    same_outcome(lambda m: getattr(m.zeros(target), name)(m.ones(sizes)))


@pytest.mark.parametrize("name", ["copy_", "add_", "sub_", "mul_", "div_", "pow_", "clamp_", "assigned"])
@pytest.mark.parametrize(
    "parts",
    [
        lambda x: (x[1:], x[:-1]),
        lambda x: (x[:-1], x[1:]),
        lambda x: (x, x),
        lambda x: (x[:4], x[4:]),
        lambda x: (x[::2], x[1::2]),
        lambda x: (x.view(3, 3), x.view(3, 3).t()),
        lambda x: (x, x[0]),
        lambda x: (x[0], x[0]),
        lambda x: (x[:3], x[2]),
        lambda x: (x, x.clone()),
    ],
)
def test_what_is_written_does_not_overlap_what_is_read(parts: Any, name: str) -> None:
    def program(m: Any) -> Any:
        x = m.arange(1.0, 10.0)
        target, source = parts(x)
        if name == "assigned":
            target[...] = source
        elif target.shape == source.shape or source.ndim == 0:
            getattr(target, name)(source)
        return x

    same_outcome(program)


def test_an_empty_view_is_one_too() -> None:
    for change in (lambda t: t.zero_(), lambda t: t.add_(1)):
        same_error(lambda m: change(m.zeros(0, requires_grad=True).reshape(0, 1)))  # noqa: B023
        same_error(lambda m: change(m.zeros(2, requires_grad=True)[2:]))  # noqa: B023


def test_a_change_that_is_refused_leaves_the_graph_alone() -> None:
    def program(m: Any, x: Any) -> Any:
        y = m.ones(1, dtype=m.float64).expand(3)
        with pytest.raises(RuntimeError):
            y.copy_(x)
        return [y.requires_grad, y.is_leaf]

    same(program, np.ones(3))


def test_an_element_fills_its_tensor() -> None:
    same(lambda m, t: t.fill_(t[1]), np.array([1.0, 2.0]), upstream=None)
    same(lambda m, t: (t * 1).fill_(t[1]), np.array([1.0, 2.0]))
