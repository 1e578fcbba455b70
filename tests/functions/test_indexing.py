"""Indexing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, check_derivatives, same, same_error, same_outcome

INDICES = [
    lambda m: 0, lambda m: -1, lambda m: (1, 2), lambda m: (..., 0), lambda m: (slice(None), 1),
    lambda m: slice(1, None),
    lambda m: (slice(0, 3, 2), slice(1, 3)), lambda m: None, lambda m: (slice(None), None, 0), lambda m: (),
    lambda m: ..., lambda m: slice(5, 2), lambda m: m.tensor(1), lambda m: (m.tensor([0, 2, 0]),),
    lambda m: m.tensor([[0, 1], [2, 2]]), lambda m: (slice(None), m.tensor([3, 3, 1])),
    lambda m: (m.tensor([0, 1, 2]), m.tensor([3, 0, 3])), lambda m: (m.tensor([0, 0]), slice(1, 3)),
    lambda m: (m.tensor([0, 0, 2]), 1), lambda m: (m.tensor([[0], [2]]), m.tensor([1, 1])),
    lambda m: m.tensor([True, False, True]), lambda m: (slice(None), m.tensor([True, False, False, True])),
    lambda m: m.ones(3, 4) > 0, lambda m: m.zeros(3, 4) > 0, lambda m: [0, 2], lambda m: ([0, 2], [1, 1]),
    lambda m: (None, m.tensor([1, 1])), lambda m: (m.tensor([1, 1]), None), lambda m: m.tensor([-1, -3]),
    lambda m: True, lambda m: [], lambda m: (m.tensor([[0, 1], [2, 2]]), 1),
    lambda m: (..., m.tensor([0, 1])), lambda m: np.array([1, 0]), lambda m: (1, m.tensor([0, 3])),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES)
def test_index(index: Any) -> None:
    x = np.arange(12.0).reshape(3, 4)
    same(lambda m, t: t[index(m)], x, names=True)
    check_derivatives(lambda t: t[index(tinyact)] ** 2, x / 4)


@pytest.mark.parametrize("index", INDICES)
def test_assignment_by_index(index: Any) -> None:
    x = np.arange(12.0).reshape(3, 4)

    def program(m: Any, a: Any, b: Any) -> Any:
        y = a * 2
        y[index(m)] = b
        z = y * y
        z[index(m)] = 7
        return z

    where = index(tinyact)
    repeated = isinstance(where, (tinyact.Tensor, tuple, list)) and tinyact.zeros(3, 4)[where].numel() > 1
    # Where an element is replaced twice it is open which value stays: one value for all then.
    same(program, x, np.array(5.0))
    if not repeated:
        value = np.arange(1.0, 1.0 + tinyact.zeros(3, 4)[where].numel()).reshape(tinyact.zeros(3, 4)[where].shape)
        same(program, x, value)


def test_a_mask_of_two_dimensions_beside_an_integer() -> None:
    same(lambda m, x: (x[m.ones(2, 3) > 0, 1], x[0, m.ones(3, 4) > 0]), np.arange(24.0).reshape(2, 3, 4), names=True)


def test_an_index_is_one_node() -> None:
    x = tinyact.ones(3, requires_grad=True)
    for index in ([0, 2], slice(1, 2), 1):
        assert x[index].grad_fn.next_functions[0][0].variable is x


@given(data=st.data(), x=arrays(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)))
def test_any_basic_index(data: st.DataObject, x: Any) -> None:
    index = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True, max_dims=5))
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, slice) and (part.step or 1) < 0 for part in parts):
        same_error(lambda m, t: t[index], x)
    else:
        same(lambda m, t: t[index], x)


@given(data=st.data(), x=arrays(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)))
def test_any_integer_arrays(data: st.DataObject, x: Any) -> None:
    index = data.draw(hnp.integer_array_indices(x.shape, result_shape=hnp.array_shapes(max_dims=2, max_side=5)))
    same(lambda m, t: t[tuple(m.from_numpy(part.copy()) for part in index)], x)


@pytest.mark.parametrize("index", [0, slice(1), [0], [True, False, True]])
def test_names_after_an_assignment(index: Any) -> None:
    names = []
    for m in (tinyact, torch):
        x = m.ones(3, requires_grad=True) * 1
        x[m.tensor(index) if isinstance(index, list) else index] = 7.0
        names.append(x.grad_fn.name().removeprefix("torch::autograd::"))
    assert names[0] == names[1]


def test_a_single_element_is_a_view() -> None:
    def program(m: Any, x: Any) -> Any:
        x = x.clone()
        x[0, 1].add_(5)
        x[-1][0].fill_(7)
        x.reshape(-1)[2][None].mul_(3)
        scalar = x.sum()
        scalar[...].add_(1)
        scalar[()].add_(1)
        return x, scalar

    same(program, np.arange(4.0).reshape(2, 2), upstream=None)
    same_error(lambda m: m.ones(2, requires_grad=True)[0].add_(1))


MORE_INDICES: list[Callable[[Any], Any]] = [
    *(lambda m, n=n: m.tensor(1, dtype=getattr(m, n)) for n in ("uint8", "int8", "int16", "int32", "int64", "bool")),
    *(lambda m, n=n: m.tensor([1], dtype=getattr(m, n)) for n in ("uint8", "int8", "int16", "int32", "int64", "bool")),
    *(lambda m, n=n: np.array(1, n) for n in ("uint8", "int8", "int16", "int32", "int64", "bool")),
    *(lambda m, n=n: np.array([1, 0, 1], n) for n in ("uint8", "int8", "int16", "int32", "int64", "bool", "float32")),
    *(
        lambda m, index=index: index
        for index in (
            [[0, 1], [1, 0]], [[0, 1]], [[0]] * 31, [[0]] * 32, [0] * 40, [None], [None, 0], [slice(0, 1), 1], [...],
            [[0, 1], slice(None)], [[0, 1], None], [[]], [], [1.0], ([1.5],), [range(2)], range(2), [True, 2], True,
            False, [[True, False, True]], (0, [True, False, True]), (True, 0), slice("0", "1"), slice(1.7, 3), 1.0,
            slice(True, 3), {0}, "a", b"a", ["a"], np.bool_(True), np.uint8(1), np.array([[0, 1], [1, 0]]),
            [np.int64(1)], [np.array(1)], ((0, 1), (1, 0)),
        )
    ),
    lambda m: [m.tensor(0), m.tensor(1)],
    lambda m: [m.tensor([0]), m.tensor([1])],
    lambda m: [m.tensor(True), m.tensor(False)],
    lambda m: slice(m.tensor(0), m.tensor(2)),
    lambda m: slice(None, m.tensor(2.0)),
    lambda m: (m.tensor(0, dtype=m.int16), m.tensor(1, dtype=m.uint8)),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("index", MORE_INDICES)
def test_what_an_index_may_be(index: Any) -> None:
    same_outcome(lambda m: m.arange(9.0).view(3, 3)[index(m)])


def test_a_list_that_is_read_as_a_tuple_warns() -> None:
    for m in (tinyact, torch):
        with pytest.warns(UserWarning, match="non-tuple sequence"):
            m.ones(2, 2)[[[0, 1], [1, 0]]]


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
@pytest.mark.parametrize("value", ["float32", "float64", "int64", "uint8", "bool", 2, 2.7, True, -1])
@pytest.mark.parametrize("sizes", [(), (1,), (3,), (1, 3)])
@pytest.mark.parametrize(
    "index",
    [
        lambda m: 0,
        lambda m: [0, 1],
        lambda m: m.tensor([True, False, True]),
        lambda m: (0, [0, 1, 1]),
        lambda m: m.arange(9).view(3, 3) > 4,
        lambda m: (0, 0),
        lambda m: (slice(None), m.tensor([0])),
    ],
)
def test_assigned_values_of_all_dtypes(index: Any, sizes: Any, value: Any, dtype: str) -> None:
    def program(m: Any) -> Any:
        x = m.arange(9).view(3, 3).to(getattr(m, dtype))
        x[index(m)] = m.ones(sizes).to(getattr(m, value)) if isinstance(value, str) else value
        return x

    same_outcome(program)


@pytest.mark.parametrize(
    "index", [slice(None), (slice(None),), ..., (slice(None), slice(None)), slice(0, 9), slice(1, None)]
)
def test_names_of_slices(index: Any) -> None:
    same(lambda m, t: t[index], np.ones((2, 3)), names=True)


def test_what_an_index_picks_lies_in_order() -> None:
    for index in ([0, 1],), (slice(None), [0, 1]), (slice(None), [0, 1], [1, 0]), (slice(None), slice(None), [0]):
        same(lambda m, t: t[index].is_contiguous(), np.ones((2, 3, 4)), upstream=None)  # noqa: B023


@pytest.mark.parametrize("index", [slice(None), ..., (), None, slice(0, 3)])
def test_a_tensor_may_be_assigned_to_itself(index: Any) -> None:
    def program(m: Any, t: Any) -> Any:
        t[index] = t
        return t

    same(program, np.array([1.0, 2.0, 3.0]), upstream=None)


@pytest.mark.parametrize("index", [slice(None), ..., ()])
def test_an_assignment_to_all_elements_keeps_nothing_for_its_derivative(index: Any) -> None:
    def program(m: Any, v: Any) -> Any:
        y = m.ones(2, dtype=m.float64)
        y[index] = v
        y.sum().backward()
        y.sum().backward()
        return v.grad

    same(program, np.ones(2))


def test_nothing_is_assigned_to_false() -> None:
    def program(m: Any, t: Any) -> Any:
        version = getattr(t._version, "count", t._version)
        t[False] = 3
        return [t, getattr(t._version, "count", t._version) - version]

    same(program, np.ones(2), upstream=None)


@pytest.mark.parametrize("name", ["fill_", "copy_", "zero_"])
def test_no_gradient_of_what_was_replaced(name: str) -> None:
    def program(m: Any, x: Any, y: Any) -> Any:
        z = x * 1
        getattr(z, name)(*([] if name == "zero_" else [1.0 if name == "fill_" else m.ones(2, dtype=m.float64)]))
        return y**z  # whose derivative by z is NaN

    same(program, np.ones(2), np.array([-1.0, -2.0]))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_number_of_another_dtype_for_the_places_of_a_mask_beside_slices(place: int) -> None:
    def program(m: Any, t: Any) -> Any:
        index: list[Any] = [slice(0, 1), slice(None), slice(0, 2)]
        index[place] = m.tensor([False, True])
        t[tuple(index)] = m.tensor([3], dtype=m.int16)
        return t

    same(program, np.ones((2, 2, 2)), upstream=None)
