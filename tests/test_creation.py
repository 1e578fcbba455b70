"""New tensors are what PyTorch makes of the same call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, assert_equal, same, same_error

ENDS = st.floats(-100, 100, width=32)


@pytest.mark.parametrize(
    "data",
    [
        1, 2.5, True, [], [[]], [1, 2], [1, 2.5], [True, False], [[1, 2], [3, 4]], (1.0, [2.0][0]), range(3),
        np.float64(2), np.float32(2), np.int32(3), [np.float64(1.0)], np.arange(3), np.zeros((2, 0)),
        np.array([1.0, 2.0]), np.array(3.0, np.float32), [float("nan"), float("inf")], np.array([True]),
    ],
)  # fmt: skip
def test_tensor_infers_what_pytorch_infers(data: Any) -> None:
    assert_equal(tinyact.tensor(data), torch.tensor(data))
    assert_equal(tinyact.as_tensor(data), torch.as_tensor(data))


@given(arrays(special=True))
def test_tensor_copies_and_from_numpy_shares(array: Any) -> None:
    copied, shared = tinyact.tensor(array), tinyact.from_numpy(array)
    np.testing.assert_array_equal(copied.numpy(), array)
    assert not np.shares_memory(copied.array, array)
    assert shared.array.size == 0 or np.shares_memory(shared.array, array)


def test_tensors_inside_lists() -> None:
    same(lambda m: m.tensor([m.tensor(1), 2.5]), upstream=None)
    same(lambda m: m.tensor([[m.tensor(1.0), 2], [3, 4]]), upstream=None)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"])
@pytest.mark.parametrize("name", ["zeros", "ones", "empty"])
@pytest.mark.parametrize("size", [(3,), (2, 0), (2, 3), ([2, 3],), ((),)])
def test_filled(name: str, dtype: str, size: Any) -> None:
    def program(m: Any) -> Any:
        made = getattr(m, name)(*size, dtype=getattr(m, dtype))
        return made.zero_() if name == "empty" else made

    same(program, upstream=None)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.full((2,), 3),
        lambda m: m.full((2, 2), 3.5),
        lambda m: m.full((), True),
        lambda m: m.full([2], 3, dtype=m.float64),
        lambda m: m.eye(3),
        lambda m: m.eye(2, 3, dtype=m.int64),
        lambda m: m.zeros_like(m.ones(2, 3, dtype=m.float64)),
        lambda m: m.ones_like(m.zeros(2), dtype=m.int64),
        lambda m: m.full_like(m.zeros(2), 7),
        lambda m: m.Tensor([1, 2]),
        lambda m: m.Tensor(2, 0),
        lambda m: m.FloatTensor(np.arange(3)),
        lambda m: m.DoubleTensor([1.5]),
        lambda m: m.LongTensor([[1], [2]]),
        lambda m: m.tensor([1.5, -2.5]).long(),
        lambda m: m.tensor([1.5, 0.0]).bool(),
        lambda m: m.tensor([1, 2]).to(m.float64),
        lambda m: m.tensor([1, 2]).type_as(m.zeros(1)),
    ],
)
def test_made(program: Any) -> None:
    same(program, upstream=None)


@given(st.integers(-20, 20), st.integers(-20, 20), st.sampled_from([1, 2, -1, -3, 0.5, 0.1, -0.3, 1.5]))
def test_arange(start: int, end: int, step: float) -> None:
    if (end - start) * step < 0:
        same_error(lambda m: m.arange(start, end, step))
    else:
        same(lambda m: m.arange(start, end, step), upstream=None)


def test_arange_by_its_shorter_forms() -> None:
    same(lambda m: (m.arange(5), m.arange(2, 5), m.arange(0, 1, 0.1), m.arange(3.0), m.arange(0)), upstream=None)
    same_error(lambda m: m.arange(0, 1, 0))


@given(ENDS, ENDS, st.integers(0, 50), st.sampled_from(["float32", "float64"]))
def test_linspace(start: float, end: float, steps: int, dtype: str) -> None:
    same(lambda m: m.linspace(start, end, steps, dtype=getattr(m, dtype)), upstream=None)


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(1, 3))
def test_random_numbers_are_pytorchs(seed: int, n: int, k: int) -> None:
    def program(m: Any) -> Any:
        m.manual_seed(seed)
        return (
            m.rand(n, k),
            m.rand(n, dtype=m.float64),
            m.randint(-3, 100, (n, k)),
            m.randint(7, (n,)),
            m.randperm(n),
            m.empty(n, k).uniform_(-2, 3),
            m.rand_like(m.zeros(k)),
        )

    for a, b in zip(program(tinyact), program(torch), strict=True):
        assert str(a.dtype) == str(b.dtype)
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@given(st.integers(0, 2**32), st.integers(0, 70))
def test_normal_numbers_are_pytorchs_to_rounding(seed: int, n: int) -> None:
    def program(m: Any) -> Any:
        m.manual_seed(seed)
        return m.randn(n), m.randn(3, dtype=m.float64), m.empty(n).normal_(1, 2), m.randn_like(m.zeros(n))

    for a, b in zip(program(tinyact), program(torch), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.tensor([[1, 2], [3]]),
        lambda m: m.tensor("a"),
        lambda m: m.tensor([1, 2], requires_grad=True),
        lambda m: m.from_numpy([1]),
        lambda m: m.zeros(-1),
        lambda m: m.zeros(2.5),
        lambda m: m.randint(3, 3, (1,)),
        lambda m: m.randperm(-1),
        lambda m: m.linspace(0, 1, -1),
        lambda m: m.from_numpy(np.array(["a"])),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


def test_isinstance_asks_for_the_dtype() -> None:
    assert isinstance(tinyact.zeros(1), tinyact.FloatTensor)
    assert not isinstance(tinyact.zeros(1), tinyact.LongTensor)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.tensor(0.1, dtype=m.float64),
        lambda m: m.as_tensor([1 / 3], dtype=m.float64),
        lambda m: m.DoubleTensor([0.1]),
        lambda m: m.tensor([1e300], dtype=m.float64),
        lambda m: m.tensor([16777217.0], dtype=m.int64),
        lambda m: m.tensor(m.tensor(0.1, dtype=m.float64).item(), dtype=m.float64),
        lambda m: m.full((2,), 0.1, dtype=m.float64),
        lambda m: m.Tensor(),
        lambda m: m.Tensor(m.Size([2, 3])).shape,
    ],
)
def test_data_keep_all_their_digits(program: Any) -> None:
    ours, theirs = program(tinyact), program(torch)
    assert ours == theirs if isinstance(ours, tuple) else ours.tolist() == theirs.tolist()


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.tensor(2**63),
        lambda m: m.tensor(300, dtype=m.uint8),
        lambda m: m.tensor([float("nan")], dtype=m.int64),
        lambda m: m.Tensor(3.5),
    ],
)
def test_numbers_that_do_not_fit_are_refused(program: Any) -> None:
    same_error(program)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_the_least_and_the_greatest_integer(dtype: str) -> None:
    limits = np.iinfo(dtype)
    same(lambda m: m.tensor([limits.min, limits.max], dtype=getattr(m, dtype)))
    for beyond in (limits.min - 1, limits.max + 1) if dtype in ("int8", "int16", "int32") else ():
        with pytest.raises(RuntimeError, match="without overflow"):
            tinyact.tensor([beyond], dtype=getattr(tinyact, dtype))


@pytest.mark.parametrize(
    "program",
    [
        lambda m, n: m.zeros(n), lambda m, n: m.zeros(n, 2), lambda m, n: m.ones((n, 2)), lambda m, n: m.ones([2, n]),
        lambda m, n: m.full((n,), 1.0), lambda m, n: m.rand(n).shape, lambda m, n: m.randn(2, n).shape,
        lambda m, n: m.arange(n), lambda m, n: m.eye(n), lambda m, n: m.eye(2, n), lambda m, n: m.linspace(0, 1, n),
        lambda m, n: m.randperm(n).shape, lambda m, n: m.randint(n, (2,)).shape,
        lambda m, n: m.randint(0, n, (n,)).shape,
        lambda m, n: m.Tensor(n).shape, lambda m, n: m.Size([n, 2]), lambda m, n: m.ones(6).reshape(n, 2),
        lambda m, n: m.ones(6).view(n, -1), lambda m, n: m.ones(1, 2).expand(n, 2),
        lambda m, n: m.ones(2, 3).sum(n - 2),
        lambda m, n: m.ones(2, 3).permute(n - 2, 0), lambda m, n: m.ones(2, 3).transpose(n - 2, 0),
        lambda m, n: m.ones(2, 3).softmax(n - 2), lambda m, n: m.ones(2, 1).squeeze(n - 2),
        lambda m, n: m.ones(2).unsqueeze(n - 2),
        lambda m, n: m.ones(2, 3).argmax(n - 2), lambda m, n: m.cat([m.ones(2, 3)] * 2, n - 2),
        lambda m, n: m.stack([m.ones(2)] * 2, n - 2), lambda m, n: m.ones(2, 3).flatten(n - 3, n - 2),
        lambda m, n: m.ones(2, 3).mean((n - 3, n - 2)), lambda m, n: m.ones(2, 3).size(n - 2),
    ],
)  # fmt: skip
def test_tensors_without_dimensions_are_sizes_and_dimensions(program: Any) -> None:
    for dtype in ("int64", "int32"):
        same(lambda m, d=dtype: program(m, m.tensor(3, dtype=getattr(m, d))), upstream=None)


@pytest.mark.parametrize(
    "sizes", [b"ab", "ab", {2, 3}, range(2), iter([1]), [1.5], [None], [[2], [3]], object(), True, [True, 2]]
)
def test_what_is_no_size(sizes: Any) -> None:
    with pytest.raises(TypeError):
        torch.zeros(sizes).sum().reshape(sizes)
    with pytest.raises(TypeError):
        tinyact.zeros(sizes)
    with pytest.raises(TypeError):
        tinyact.ones(2, 3).reshape(sizes)


def test_a_list_that_contains_itself() -> None:
    endless: list[Any] = []
    endless.append(endless)
    same_error(lambda m: m.tensor(endless))


@pytest.mark.parametrize("wrong", [None, "1", b"1", [1.0], {}, object(), 1j])
@pytest.mark.parametrize(
    "program",
    [
        lambda m, v: m.full((1,), v, dtype=m.float32), lambda m, v: m.full((1,), v), lambda m, v: m.ones(1).fill_(v),
        lambda m, v: m.linspace(v, 1, 3), lambda m, v: m.linspace(0, v, 3), lambda m, v: m.ones(1).normal_(v),
        lambda m, v: m.ones(1).normal_(0, v), lambda m, v: m.ones(1).uniform_(v),
        lambda m, v: m.ones(1).clamp_(0.0, v or "1"),
        lambda m, v: m.nn.init.normal_(m.ones(1), v), lambda m, v: m.nn.init.constant_(m.ones(1), v),
        lambda m, v: m.nn.functional.elu(m.ones(1), v), lambda m, v: m.ones(1).add_(v), lambda m, v: m.ones(1).copy_(v),
    ],
)  # fmt: skip
def test_what_is_no_number(program: Any, wrong: Any) -> None:
    with pytest.raises(TypeError):
        program(tinyact, wrong)


def test_memory_that_cannot_be_written_to() -> None:
    x = tinyact.from_numpy(np.frombuffer(b"1234", np.float32))
    with pytest.raises(RuntimeError, match="read-only"):
        x.add_(1)
    assert x.clone().add_(1).tolist() == (x + 1).tolist()


def test_other_byte_orders_are_refused() -> None:
    for make in (tinyact.tensor, tinyact.from_numpy, tinyact.as_tensor):
        with pytest.raises(TypeError, match="float32"):
            make(np.ones(2, ">f4"))


DTYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
# What makes one number: Python's, NumPy's, a tensor of one element, by module.
numbers = st.one_of(
    st.sampled_from([0.0, 1.5, -2, 3, True]).map(lambda number: lambda m: number),
    st.sampled_from(DTYPES[:-1]).map(lambda name: lambda m: np.dtype(name).type(1)),
    st.tuples(st.sampled_from(DTYPES), st.integers(0, 2)).map(
        lambda drawn: lambda m: m.ones([1] * drawn[1], dtype=getattr(m, drawn[0]))
    ),
)


@given(
    st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=3),
    st.sampled_from([None, "float32", "float64"]),
)
def test_numbers_of_all_kinds_are_promoted(rows: list[list[Any]], dtype: str | None) -> None:
    def program(m: Any) -> Any:
        data = [[number(m) for number in row] for row in rows]
        options = {"dtype": dtype and getattr(m, dtype)}
        return m.tensor(data, **options), m.tensor(data[0], **options)

    same(program)


@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy.ndarrays")
@given(st.lists(st.sampled_from(DTYPES), min_size=1, max_size=3), st.booleans())
def test_arrays_in_lists_have_their_dtypes(names: list[str], beside_a_list: bool) -> None:
    same(lambda m: m.tensor([np.ones(2, name) for name in names] + ([[1, 2.5]] if beside_a_list else [])))


@pytest.mark.parametrize("sizes", [(2,), (0,), (1, 2)])
def test_tensors_in_lists_are_numbers(sizes: tuple[int, ...]) -> None:
    same_error(lambda m: m.tensor([m.ones(*sizes)]))


INTEGERS = [-(2**63), -256, -255, -129, -128, -1, 0, 127, 128, 255, 256, 300, 2**40]
REALS = [-128.5, -1.0, -0.5, 0.5, 2.7, 127.5, 1e30, 1e300, math.inf, -math.inf, math.nan]
WAYS: list[Callable[[Any, Any, Any], Any]] = [
    lambda m, value, dtype: m.tensor(value, dtype=dtype),
    lambda m, value, dtype: m.tensor([0, value], dtype=dtype),
    lambda m, value, dtype: m.full((2,), value, dtype=dtype),
    lambda m, value, dtype: m.full_like(m.zeros(2, dtype=dtype), value),
    lambda m, value, dtype: m.zeros(2, dtype=dtype).fill_(value),
    lambda m, value, dtype: replaced(m.zeros(2, dtype=dtype), 0, value),
    lambda m, value, dtype: replaced(m.zeros(2, dtype=dtype), [0], value),
]


def replaced(tensor: Any, index: Any, value: Any) -> Any:
    tensor[index] = value
    return tensor


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [*INTEGERS, *REALS, True])
def test_numbers_that_a_dtype_can_hold(way: Any, dtype: str, value: float) -> None:
    outcomes = []
    for m in (tinyact, torch):
        try:
            outcomes.append(str(way(m, value, getattr(m, dtype))))
        except (RuntimeError, ValueError) as error:
            outcomes.append(type(error).__name__)
    assert outcomes[0] == outcomes[1]


def test_huge_integers_are_floating_numbers_where_they_may_be() -> None:
    same(lambda m: [m.tensor([2**64, 1.5]), m.tensor(2**63, dtype=m.float32), m.tensor([2**100], dtype=m.float64)])
    same_error(lambda m: m.tensor([2**64]))


@pytest.mark.parametrize("value", [np.float64(1.5), np.float32(1.5), np.int32(2), True, 3, 0.5])
def test_a_fill_value_is_a_number_without_a_dtype(value: Any) -> None:
    same(lambda m: [m.full((2,), value), m.full((2,), m.tensor(value))])


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.full((2,), m.ones(1)),
        lambda m: m.full((2,), "1"),
        lambda m: m.zeros(2).fill_("1"),
        lambda m: m.zeros(2).fill_(None),
        lambda m: m.arange(5, dtype=m.bool),
        lambda m: m.linspace(0, 1, 3, dtype=m.bool),
        lambda m: m.linspace(0, 300, 3, dtype=m.uint8),
        lambda m: m.randperm(300, dtype=m.uint8),
    ],
)
def test_what_a_dtype_can_not_count(program: Any) -> None:
    same_error(program)


@pytest.mark.parametrize("dtype", DTYPES[2:])
@pytest.mark.parametrize("bounds", [(0, 2), (0, 3), (0, 128), (0, 129), (0, 256), (0, 257), (-1, 3), (-129, 0)])
def test_random_integers_stay_in_their_dtype(dtype: str, bounds: tuple[int, int]) -> None:
    def program(m: Any) -> Any:
        m.manual_seed(0)
        return m.randint(*bounds, (3,), dtype=getattr(m, dtype))

    try:
        program(torch)
    except RuntimeError:
        same_error(program)
    else:
        same(program)


quarters = st.integers(-16, 16).map(lambda n: n / 4)


@given(quarters, quarters, quarters, st.sampled_from(DTYPES[:-1]))
def test_counting_in_every_dtype(start: float, end: float, step: float, dtype: str) -> None:
    def outcome(m: Any) -> Any:
        try:
            return m.arange(start, end, step, dtype=getattr(m, dtype)).tolist()
        except (RuntimeError, ValueError):
            return None

    ours, theirs = outcome(tinyact), outcome(torch)
    assert (ours is None) == (theirs is None)
    if ours is not None:
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("arguments", [(0, math.inf), (-math.inf, 1), (math.nan, 1), (0, math.nan), (0, 1, math.nan)])
def test_arange_has_ends(arguments: Any) -> None:
    same_error(lambda m: m.arange(*arguments))


@pytest.mark.parametrize("start", [0.5, -0.0, math.inf, math.nan])
@pytest.mark.parametrize("end", [-1.0, math.inf, math.nan])
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_linspace_between_any_ends(start: float, end: float, steps: int) -> None:
    same(lambda m: m.linspace(start, end, steps), upstream=None)
