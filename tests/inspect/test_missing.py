"""The reason for a missing gradient is the right one."""

from __future__ import annotations

import pytest

import tinyact
from tinyact.inspect import why_no_grad


def leaf() -> tinyact.Tensor:
    return tinyact.tensor([1.0, 2.0], requires_grad=True)


def test_reasons_that_lie_in_the_tensor() -> None:
    w = leaf()
    assert "holds torch.int64, which has no derivatives" in why_no_grad(tinyact.tensor([1, 2]))
    assert "requires_grad is False" in why_no_grad(tinyact.ones(2))
    assert why_no_grad(w.detach()).startswith("it is detached")
    with tinyact.no_grad():
        assert "computed under no_grad()" in why_no_grad(w * 2)
    frozen = leaf().requires_grad_(False)
    assert "frozen" in why_no_grad(frozen)


def test_a_result() -> None:
    w = leaf()
    y = w * 2
    y.sum().backward()
    assert "made by MulBackward0: only leaves keep their gradients" in why_no_grad(y)
    y = w * 2
    y.retain_grad()
    loss = y.sin().sum()
    assert "backward() was not called on this loss yet" in why_no_grad(y, loss)
    loss.backward()
    assert why_no_grad(y, loss) == "it has a gradient: .grad is not None"


def test_a_leaf() -> None:
    w, other = leaf(), leaf()
    assert "Give the loss" in why_no_grad(w)
    loss = (w * other).sin().sum()
    assert "was not called on this loss yet" in why_no_grad(w, loss)
    tinyact.autograd.grad(loss, other)
    assert "a backward pass has been through" in why_no_grad(w, loss)
    loss = (w * w).sum()
    loss.backward()
    w.grad = None
    assert "zero_grad()" in why_no_grad(w, loss)


def test_a_loss_that_does_not_depend_on_it() -> None:
    w, other = leaf(), leaf()
    assert "not computed from it" in why_no_grad(w, (w.detach() * other).sum())
    late = tinyact.ones(2)
    loss = (late * other).sum()
    late.requires_grad_()
    assert "before it required gradients" in why_no_grad(late, loss)


def test_a_loss_without_graph() -> None:
    w = leaf()
    assert why_no_grad(w, (w * 2).sum().detach()).startswith("the loss is detached from its graph")
    with tinyact.no_grad():
        assert "recording is off here" in why_no_grad(w, w.sum())
    assert "the loss is a leaf" in why_no_grad(w, leaf())


def test_what_cannot_be_told() -> None:
    w = leaf()
    assert "which of these can't be told" in why_no_grad(w, w.sum() + 1)
    assert "which of these can't be told" in why_no_grad(w, w)


@pytest.mark.parametrize("arguments", [(1.0, None), (leaf(), 1.0)])
def test_what_is_no_tensor(arguments: tuple[object, object]) -> None:
    with pytest.raises(TypeError, match=r"why_no_grad\(\) takes tensors, got float"):
        why_no_grad(*arguments)  # type: ignore[arg-type]
