"""Whatever can be recorded can be looked at, and the trace has the numbers of the forward and the backward pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tinyact
from tinyact import nn
from tinyact.inspect import trace
from tinyact.inspect.page import page
from tinyact.nn import functional as F
from tinyact.tensor import Tensor

# Activations that have to be told more.
APART = ("threshold", "softmax", "softmin", "log_softmax")
OPERATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    **{name: lambda x, name=name: nn.activations()[name]()(x) for name in nn.activations() if name not in APART},
    "threshold": lambda x: F.threshold(x, 0.1, 20.0),
    "arithmetic": lambda x: (2 - x * x) / (x.abs() + 1) ** 1.5 - x**3,
    "rdiv": lambda x: 1 / (x + 5),
    "maximum": lambda x: tinyact.maximum(x, -x) + tinyact.minimum(x, -x),
    "clamp": lambda x: x.clamp(-0.5, 0.5),
    "where": lambda x: tinyact.where(x > 0, x, -x * 2),
    "reductions": lambda x: x.sum(0) * x.mean(0) + x.var(0) - x.std(0) + x.prod(0),
    "extremes": lambda x: x.max() + x.min() + x.max(1)[0].sum() + x.min(dim=0)[0].sum(),
    "shapes": lambda x: x.reshape(2, 6).t()[1:5, [0, 1, 0]].unsqueeze(0).expand(3, 4, 3).flatten().squeeze(),
    "joined": lambda x: tinyact.cat([x, x * 2]).sum() + tinyact.stack([x, x]).sum(),
    "products": lambda x: (x @ x.t()).sum() + (x @ x[0]) @ x[:, 1][[0, 1, 2]] + (x[None] @ x.t()[None]).sum(),
    "linear": lambda x: F.linear(x, tinyact.ones(2, 4)),
    "normalization": lambda x: (
        F.layer_norm(x, (4,)) + F.rms_norm(x, (3, 4)) + F.batch_norm(x, None, None, training=True)
        + F.batch_norm(x, tinyact.ones(4), tinyact.ones(4))
    ),
    "embedding": lambda x: F.embedding(tinyact.tensor([2, 0, 2]), x, padding_idx=0, scale_grad_by_freq=True),
    "convolution": lambda x: (
        F.conv2d(x[None], x[:2, :2].reshape(1, 1, 2, 2), padding="same") + F.conv1d(x, x[:, None], groups=3)
    ),
    "pooling": lambda x: F.max_pool2d(x[None], 2, 1, 1) * F.avg_pool2d(x[None], 2, 1, 1) + F.max_pool1d(x, 4).sum(),
    "bilinear": lambda x: F.bilinear(x, x[:, :2], tinyact.ones(2, 4, 2), tinyact.ones(2)),
    "cast": lambda x: x.double() * 2,
    "losses": lambda x: (
        F.mse_loss(x, -x) + F.l1_loss(x, x * 2) + F.smooth_l1_loss(x, x * 3) + F.huber_loss(x, x * 4)
        + F.binary_cross_entropy_with_logits(x, tinyact.ones(3, 4)) + F.cross_entropy(x, tinyact.tensor([0, 1, 2]))
    ),
    "in place": lambda x: (x * 2).add_(1).mul_(x),
    "put": lambda x: _with_first_replaced(x * 2),
    "dropout": lambda x: F.dropout(x, 0.5),
    "softmax": lambda x: tinyact.softmax(x, 1) * tinyact.log_softmax(x, 0) * F.softmin(x, 1),
}  # fmt: skip


def _with_first_replaced(x: Tensor) -> Tensor:
    x[0] = x[1] * 3
    return x


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_numbers_of_both_passes(name: str) -> None:
    def recorded() -> tuple[Tensor, Tensor]:
        tinyact.manual_seed(1)
        x = tinyact.randn(3, 4, requires_grad=True)
        return x, OPERATIONS[name](x).sum()

    (x, loss), (other, other_loss) = recorded(), recorded()
    result = trace(loss, names={"x": x})
    other_loss.backward()
    assert x.grad is not None
    assert other.grad is not None
    assert np.array_equal(x.grad.array, other.grad.array, equal_nan=True)
    assert np.array_equal(result.step("x").gradient, x.grad.array, equal_nan=True)
    for node in result.graph.nodes:
        value = result.values[node.number].array
        assert value is None or value.shape == node.shape
    assert "x" in str(result.graph)
    assert "∂L/∂x" in str(result)
    assert page(result, name)


def test_values_that_are_computed_again_are_those_of_the_forward_pass() -> None:
    tinyact.manual_seed(1)
    x = tinyact.randn(3, 4, requires_grad=True)
    named: dict[str, Tensor] = {"x": x}
    named["product"] = x @ x.t()
    named["row"] = named["product"].sum(0, keepdim=True)
    named["joined"] = tinyact.cat([named["row"], named["product"]])
    named["turned"] = named["joined"].t()[:, 1:]
    named["mean"] = named["turned"].mean(1)
    result = trace((named["mean"] * named["mean"]).var(), names=named)
    for name, tensor in named.items():
        assert np.array_equal(result.values[result.graph.node(name).number].array, tensor.array)


@pytest.mark.parametrize("name", OPERATIONS)
def test_settings_are_what_the_operation_was_made_with(name: str) -> None:
    result = trace(OPERATIONS[name](tinyact.randn(3, 4, requires_grad=True)).sum())
    assert "object at" not in str([node.settings for node in result.graph.nodes])
