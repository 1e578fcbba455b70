"""What users add: a Function, an operation, a module, a loss, an optimizer."""

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray
from typing_extensions import assert_type

import tinyact
from tinyact import Tensor, nn, optim
from tinyact.autograd.operation import Operation

x = tinyact.tensor([3.0], dtype=tinyact.float64, requires_grad=True)


class Cube(tinyact.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, times: float = 1.0) -> Tensor:
        ctx.save_for_backward(x)
        ctx.times = times
        return times * x**3

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grad * 3 * ctx.times * x**2, None


cubed: Tensor = Cube.apply(x, 2.0)
cubed.sum().backward()


class Hypotenuse(Operation):
    """√(a² + b²)      ∂/∂a = a / y      ∂/∂b = b / y"""

    def forward(self, a: Any, b: Any) -> Any:
        return (a * a + b * b) ** 0.5

    def grad_a(self, grad: Any, a: Any, y: Any) -> Any:
        return grad * a / y

    def grad_b(self, grad: Any, b: Any, y: Any) -> Any:
        return grad * b / y


def hypotenuse(a: Tensor, b: Tensor) -> Tensor:
    longest: Tensor = Hypotenuse().apply(a, b)
    return longest


assert_type(tinyact.autograd.gradcheck(hypotenuse, (x, x.detach() + 1)), bool)


class Bend(nn.Module):
    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = nn.Parameter(tinyact.tensor(alpha))

    def forward(self, input: Tensor) -> Tensor:
        return input + self.alpha * tinyact.sin(input)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha.item()}"


class Steeper(nn.ELU):
    """A module of the library's, changed."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


class LogCosh(nn.Module):
    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        difference = input - target
        return (((difference).exp() + (-difference).exp()) / 2).log().mean()


assert_type(Bend(2.0)(x), Tensor)
assert_type(Steeper(alpha=0.5)(x), Tensor)
assert_type(LogCosh()(x, x), Tensor)


class SignDescent(optim.Optimizer):
    def __init__(self, params: Iterable[Tensor], lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr})

    def _update(self, p: NDArray[Any], grad: NDArray[Any], state: dict[str, Any], group: dict[str, Any]) -> None:
        p -= group["lr"] * (grad > 0) - group["lr"] * (grad < 0)


optimizer = SignDescent([x], lr=0.5)
Bend()(x).sum().backward()
optimizer.step()
