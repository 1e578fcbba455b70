"""Tensors: made, computed with, indexed, converted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import tinyact
from tinyact import Tensor

x = tinyact.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
array = np.ones((2, 2), np.float32)

for made in (
    tinyact.zeros(2, 3),
    tinyact.ones((2, 3), dtype=tinyact.float64),
    tinyact.full((2,), 3.5),
    tinyact.arange(0, 10, 2),
    tinyact.linspace(0, 1, 5),
    tinyact.eye(3),
    tinyact.rand(2, 2, requires_grad=True),
    tinyact.randn(2, generator=tinyact.Generator()),
    tinyact.randint(0, 5, (3,)),
    tinyact.zeros_like(x),
    tinyact.from_numpy(array),
    tinyact.as_tensor([1, 2]),
    tinyact.tensor(array, dtype=tinyact.int64),
):
    assert_type(made, Tensor)

assert_type(x + 1, Tensor)
assert_type(1 + x, Tensor)
assert_type(2.5 * x - x / 2, Tensor)
assert_type(1 / x, Tensor)
assert_type(1 - x, Tensor)
assert_type(x**2, Tensor)
assert_type(2**x, Tensor)
assert_type(x @ x, Tensor)
assert_type(-x, Tensor)
assert_type(abs(x), Tensor)
assert_type(x * array, Tensor)
assert_type(x > 0, Tensor)
assert_type((x > 0) & ~(x <= 3) | (x >= 4), Tensor)
same: Tensor = x == x
array * x.detach()  # a Tensor, though NumPy's annotations promise an array
total = sum([x.sum(), x.mean()], start=tinyact.zeros(1))
assert_type(total, Tensor)
older: list[Tensor] = [tinyact.FloatTensor([1.0, 2.0]), tinyact.LongTensor(2, 3), tinyact.Tensor([1.0])]

assert_type(x[0], Tensor)
assert_type(x[:, 1:], Tensor)
assert_type(x[..., None], Tensor)
assert_type(x[x > 2], Tensor)
assert_type(x[tinyact.tensor([0, 1]), 0], Tensor)
y = x.detach().clone()
y[0] = 1.0
y[:, 0] = x.detach()[:, 1]
y += 1
y *= array
assert_type(y.add_(1).mul_(2), Tensor)
assert_type(len(x), int)
assert_type(list(x), list[Tensor])

assert_type(x.exp().log().sin().tanh().sigmoid().relu(), Tensor)
assert_type(x.sum(), Tensor)
assert_type(x.sum(dim=0, keepdim=True).mean(), Tensor)
assert_type(x.sum((0, 1)), Tensor)
assert_type(x.std(unbiased=False), Tensor)
assert_type(x.reshape(4).view(-1, 2).t(), Tensor)
assert_type(x.reshape((4,)).view((2, 2)).unsqueeze(0).squeeze(), Tensor)
assert_type(x.T.transpose(0, 1).permute(1, 0).flatten(), Tensor)
assert_type(x.clamp(0, 2).clamp(min=1.0), Tensor)
assert_type(x.softmax(dim=1), Tensor)
assert_type(x.argmax(1), Tensor)
assert_type(tinyact.exp(x) + tinyact.maximum(x, y), Tensor)
assert_type(tinyact.where(x > 1, x, 0.0), Tensor)
assert_type(tinyact.cat([x, y], dim=1), Tensor)
assert_type(tinyact.stack((x, y)), Tensor)
assert_type(tinyact.allclose(x, y, atol=1e-3), bool)
largest: Tensor = x.max()
values, indices = x.max(dim=1)

assert_type(x.float().double().long().int().bool(), Tensor)
assert_type(x.to(tinyact.float64), Tensor)
assert_type(x.type_as(y), Tensor)
assert_type(x.shape, tinyact.Size)
assert_type(x.ndim, int)
assert_type(x.numel(), int)
assert_type(x.requires_grad, bool)
assert_type(x.dtype, tinyact.dtype)
assert_type(x.grad, Tensor | None)
numbers: NDArray[Any] = x.detach().numpy()
assert_type(float(x.sum()), float)
assert_type(int(x.argmax()), int)
rows, columns = x.shape
number: float = x.sum().item()
nested: list[list[float]] = x.tolist()
text: str = f"{x.sum():.3f} {x}"
