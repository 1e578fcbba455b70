"""What becomes of numbers and arrays that a run takes out of its tensors: followed, guarded or refused, never stale.

The arguments are the same in the first calls, in which a program is recorded and verified, and others only then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinyact
from tests.program.twins import cases, late, same
from tinyact.nn import functional as F

TABLE = tinyact.arange(12.0).reshape(4, 3) - 5


# --- floats: 2.0, then 3.0 -------------------------------------------------------------------------------------------

FLOATS: dict[str, Callable[[Any], Any]] = {
    "less": lambda t: t * (5 if t.item() < 2.5 else 6),
    "less or equal": lambda t: t * (5 if t.item() <= 2.5 else 6),
    "greater": lambda t: t * (5 if t.item() > 2.5 else 6),
    "greater, the other way": lambda t: t * (5 if 2.5 > t.item() else 6),  # noqa: SIM300
    "greater or equal": lambda t: t * (5 if t.item() >= 2.5 else 6),
    "equal": lambda t: t * (5 if t.item() == 2 else 6),
    "not equal": lambda t: t * (5 if t.item() != 2 else 6),
    "a chain": lambda t: t * (5 if 1 < t.item() < 2.5 else 6),
    "bool": lambda t: t * (5 if t.item() - 2 else 6),
    "not": lambda t: t * (5 if not (t.item() - 2) else 6),
    "or": lambda t: t * ((t.item() - 2) or 5),
    "in": lambda t: t * (5 if t.item() in (1.0, 2.0) else 6),
    "a key": lambda t: t * {2.0: 5, 3.0: 6}[t.item()],
    "min and max": lambda t: t * max(t.item(), 2.5) * min(t.item(), 2.5),
    "int": lambda t: t * int(t.item()),
    "float": lambda t: t * float(t.item()),
    "complex": lambda t: t * abs(complex(t.item(), 1)),
    "round": lambda t: t * round(t.item()),
    "round to a digit": lambda t: t * round(t.item() / 7, 1),
    "trunc": lambda t: t * math.trunc(t.item()),
    "sum": lambda t: t * sum([t.item(), t.item()]),
    "arithmetic": lambda t: (t.item() + 1) * 2 / (3 - t.item() ** 2) // 1 % 4 - -t.item() + abs(-t.item()),
    "arithmetic, the other way": lambda t: 1 + (2 * (3 / (4 - t.item()))) ** 2 // (1 % t.item()) ** +t.item(),
    "a NumPy number": lambda t: t * (np.float64(3) + t.item()),
    "comparison with a NumPy number": lambda t: t * (5 if np.float64(2.5) < t.item() else 6),
    "a power of a negative number": lambda t: TABLE * (-1.0) ** (t.item() + 1),
    "math.exp": lambda t: t * math.exp(t.item()),
    "math.sqrt": lambda t: t * math.sqrt(t.item()),
    "math.fsum": lambda t: t * math.fsum([t.item(), 1.0]),
    "math.floor": lambda t: t * math.floor(t.item()),
    "math.ceil": lambda t: t * math.ceil(t.item()),
    "divmod": lambda t: t * divmod(t.item(), 3.0)[0],
    "divmod, the other way": lambda t: t * divmod(7, t.item())[0],
    "is_integer": lambda t: t * (5 if (t / 2).item().is_integer() else 6),
    "real": lambda t: t * t.item().real,
    "hex": lambda t: t * float.fromhex(t.item().hex()),
    "a new tensor": lambda t: tinyact.tensor(t.item()) * 2,
    "a list in a new tensor": lambda t: tinyact.tensor([t.item(), 1.0]) * 2,
    "full": lambda t: tinyact.full((2,), t.item()) * 2,
    "full_like": lambda t: tinyact.full_like(t, t.item()) * 2,
    "a NumPy array": lambda t: t * tinyact.tensor(np.array([t.item(), 1.0])),
    "an element of a NumPy array": lambda t: t * tinyact.tensor(_with_first(t.item())),
    "clamp": lambda t: TABLE.clamp(0, t.item()),
    "where": lambda t: tinyact.where(TABLE > 0, TABLE, t.item()),
    "a slope": lambda t: F.leaky_relu(TABLE, t.item()),
    "beta": lambda t: F.softplus(TABLE, t.item()),
    "dropout's p": lambda t: F.dropout(TABLE, t.item() / 4),
    "a learning rate": lambda t: _step(t.item()),
}


def _with_first(number: float) -> Any:
    array = np.zeros(3)
    array[0] = number
    return array


def _step(lr: float) -> Any:
    parameter = tinyact.ones(3, requires_grad=True)
    parameter.square().sum().backward()
    tinyact.optim.SGD([parameter], lr=lr).step()
    return parameter.detach()


@pytest.mark.parametrize("function", cases(FLOATS))
def test_floats(function: Callable[[Any], Any]) -> None:
    same(lambda: (function, []), 9, late(2.0, 3.0), compiles=None)


NAN: dict[str, Callable[[Any], Any]] = {
    "x != x": lambda t: TABLE * (5 if t.item() != t.item() else 6),
    "math.isnan": lambda t: TABLE * (5 if math.isnan(t.item()) else 6),
    "math.isfinite": lambda t: TABLE * (5 if math.isfinite(t.item()) else 6),
    "np.isnan": lambda t: TABLE * (5 if np.isnan(t.item()) else 6),
    "isnan": lambda t: TABLE * (5 if t.isnan() else 6),
    "isfinite().all()": lambda t: TABLE * (5 if t.isfinite().all() else 6),
    "np.isfinite of an array": lambda t: TABLE * (5 if np.isfinite(t.numpy()) else 6),
}


@pytest.mark.parametrize("function", cases(NAN))
def test_a_loss_that_is_suddenly_nan(function: Callable[[Any], Any]) -> None:
    same(lambda: (function, []), 9, late(2.0, math.nan), compiles=None)


def test_the_sign_of_zero() -> None:
    same(lambda: (lambda t: TABLE * t.item(), []), 9, late(0.0, -0.0), compiles=None)


# --- integers: 1, then 2 ---------------------------------------------------------------------------------------------

INTEGERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda n: TABLE * int(n),
    "a tensor as an index": lambda n: TABLE[n],
    "an item as an index": lambda n: TABLE[n.item(), 0],
    "a slice": lambda n: TABLE[: n.item()],
    "a slice to a tensor": lambda n: TABLE[:n],
    "a list's index": lambda n: TABLE * [10, 20, 30][n],
    "a list's index, an item": lambda n: TABLE * [10, 20, 30][n.item()],
    "range": lambda n: TABLE * sum(range(n)),
    "range of an item": lambda n: TABLE * sum(range(n.item() + 1)),
    "a loop": lambda n: sum([TABLE * 2 for _ in range(n.item())]),
    "a list so many times": lambda n: TABLE * len([1] * n.item()),
    "and": lambda n: TABLE * (n.item() & 3),
    "or": lambda n: TABLE * (n.item() | 4),
    "xor": lambda n: TABLE * (n.item() ^ 4),
    "invert": lambda n: TABLE * ~n.item(),
    "shift": lambda n: TABLE * (1 << n.item()),
    "bit_length": lambda n: TABLE * n.item().bit_length(),
    "chr": lambda n: TABLE * ord(chr(n.item())),
    "power": lambda n: TABLE * n.item() ** 2 * 2 ** n.item(),
    "a sign": lambda n: TABLE * (-1) ** n.item(),
    "three arguments to pow": lambda n: TABLE * pow(n.item(), 2, 3),
    "zeros": lambda n: tinyact.zeros(n.item()),
    "zeros of a list": lambda n: tinyact.zeros([n.item(), 2]),
    "arange": lambda n: tinyact.arange(n.item()),
    "reshape": lambda n: TABLE.reshape(n.item(), -1),
    "expand": lambda n: TABLE[0, :1].expand(n.item()),
    "dim": lambda n: TABLE.sum(n.item() - 1),
    "argmax": lambda n: TABLE[(TABLE * (n.item() * 2 - 3)).argmax() // 3],
    "tolist": lambda n: TABLE * n.tolist(),
}


@pytest.mark.parametrize("function", cases(INTEGERS))
def test_integers(function: Callable[[Any], Any]) -> None:
    same(lambda: (function, []), 9, late(1, 2), compiles=None)


# --- arrays ----------------------------------------------------------------------------------------------------------

ARRAYS: dict[str, Callable[[Any], Any]] = {
    "bool": lambda x: x * (5 if (x > 0).any() else 6),
    "all": lambda x: x * (5 if (x > 0).all() else 6),
    "equal": lambda x: x * (5 if tinyact.equal(x, tinyact.ones(4)) else 6),
    "allclose": lambda x: x * (5 if tinyact.allclose(x, tinyact.tensor([1.0, -2.0, 3.0, -4.0])) else 6),
    "iteration": lambda x: x * sum(element.item() for element in x),
    "numpy": lambda x: x * tinyact.from_numpy(np.tanh(x.numpy())),
    "numpy's mean": lambda x: x * float(x.numpy().mean()),
    "numpy's sort": lambda x: tinyact.from_numpy(np.sort(x.numpy())),
    "in place on a NumPy array": lambda x: _added(x),
    "np.copyto": lambda x: _copied(x),
    "list": lambda x: x * tinyact.tensor(list(x.numpy())),
    "np.asarray": lambda x: x * float(np.asarray(x).mean()),
    "np.array": lambda x: x * tinyact.tensor(np.array(x.numpy())),
    "np.asarray of an array": lambda x: x * tinyact.tensor(np.asarray(x.numpy()) * 2),
    "assigned to a NumPy array": lambda x: _assigned(x),
}


def _added(x: Any) -> Any:
    array = np.zeros(4, np.float32)
    array += x.numpy()
    return x * tinyact.tensor(array)


def _copied(x: Any) -> Any:
    array = np.zeros(4, np.float32)
    np.copyto(array, x.numpy())
    return x * tinyact.tensor(array)


def _assigned(x: Any) -> Any:
    array = np.zeros(4, np.float32)
    array[:] = x.numpy()
    return x * tinyact.tensor(array)


@pytest.mark.parametrize("function", cases(ARRAYS))
def test_arrays(function: Callable[[Any], Any]) -> None:
    same(lambda: (function, []), 9, late([1.0, -2.0, 3.0, -4.0], [-1.0, 2.5, -3.0, -4.0]), compiles=None)


MASKS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: x[x > 0].sum(),
    "numpy's mean": lambda x: tinyact.from_numpy(np.asarray(x.numpy()[x.numpy() > 0].mean())),
    "assigned a number": lambda x: _masked(x, 0.5),
    "mean": lambda x: x[x > 0].mean(),
    "product": lambda x: x[x > 0] * 2 + 1,
    "functions": lambda x: (x[x > 0].exp() * 3).tanh(),
    "its length": lambda x: x * x[x > 0].shape[0],
    "in place": lambda x: _masked_product(x),
    "gradient": lambda x: _masked_gradient(x),
    "where": lambda x: x * len(np.where(x.numpy() > 0)[0]),
    "unique": lambda x: x * len(np.unique(np.minimum(x.numpy(), 0))),
    "numbers of times": lambda x: tinyact.from_numpy(np.repeat(x.numpy(), (x.numpy() > 0) + 1)) * 2,
}


def _masked(x: Any, number: Any) -> Any:
    x = x.clone()
    x[x > 0] = number
    return x * 2


def _masked_product(x: Any) -> Any:
    x = x.clone()
    x[x > 0] *= 2
    return x


def _masked_gradient(x: Any) -> Any:
    x = x.clone().requires_grad_()
    (grad,) = tinyact.autograd.grad((x[x > 0] ** 2).mean(), x)
    return grad


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("function", cases(MASKS))
def test_shapes_that_depend_on_numbers(function: Callable[[Any], Any], count: int) -> None:
    first = [1.0, -2.0, 3.5, -4.0] if count == 2 else [1.0, -2.0, -3.5, -4.0]
    same(lambda: (function, []), 9, late(first, [1.0, 2.0, 3.5, -4.0]), compiles=None)


# --- what can't be followed ------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "str": (lambda x: (str(x.sum().item()), x * 2)[1], "turned into text"),
    "format": (lambda x: (f"{x.sum().item():.3f}", x * 2)[1], "turned into text"),
    "a tensor as text": (lambda x: (str(x), x * 2)[1], "tolist"),
    "tolist": (lambda x: x * x.tolist()[0], "tolist"),
    "in place on a NumPy array": (lambda x: _added(x), "changed in place"),
    "a graph that begins inside": (lambda x: x.clone().requires_grad_() * 2, "that it doesn't get"),
}


@pytest.mark.parametrize(("function", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused_with_the_reason_once(function: Callable[[Any], Any], reason: str) -> None:
    compiled = tinyact.compile(function)
    x = tinyact.ones(4)
    with pytest.warns(UserWarning, match=f"is not compiled, it runs eagerly: .*{reason}"):
        first = compiled(x)
    for _ in range(3):  # a warning would be an error
        assert tinyact.equal(compiled(x), first)
    assert tinyact.equal(first, function(x))
    with pytest.raises(RuntimeError, match=reason):
        compiled.program()
    same(lambda: (function, []), arguments=lambda call: (tinyact.ones(4) + call,), compiles=False)


def test_a_refusal_says_where() -> None:
    def function(x: Any) -> Any:
        number = x.sum().item()
        print(number)
        return x * 2

    line = function.__code__.co_firstlineno + 2
    with pytest.warns(UserWarning, match=rf"function is not compiled.*\(test_record.py, line {line}\)"):
        tinyact.compile(function)(tinyact.ones(3))


@pytest.mark.filterwarnings("error")
def test_one_list_twice_is_refused() -> None:
    compiled = tinyact.compile(lambda x: (lambda y: (y, y))([x * 2]))
    with pytest.warns(UserWarning, match="one list or dictionary twice"):
        first, second = compiled(tinyact.ones(2))
    assert first is second
