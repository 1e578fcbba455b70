"""Operations that move elements without changing them."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, same, same_error


@given(data=st.data(), x=arrays())
def test_reshape_and_view(data: st.DataObject, x: Any) -> None:
    shape = data.draw(st.permutations([*x.shape, 1]))
    same(lambda m, t: t.reshape(shape), x, names=True)
    same(lambda m, t: m.reshape(t, tuple(shape)), x)
    same(lambda m, t: t.contiguous().view(*shape), x, names=True)
    if x.size:
        same(lambda m, t: t.reshape(-1), x)
        same(lambda m, t: t.reshape(*shape[:-1], -1), x)


@given(data=st.data(), x=arrays())
def test_dimensions_moved(data: st.DataObject, x: Any) -> None:
    order = data.draw(st.permutations(range(x.ndim)))
    a, b = (data.draw(st.integers(-max(x.ndim, 1), max(x.ndim, 1) - 1)) for _ in range(2))
    same(lambda m, t: t.permute(tuple(order)), x, names=True)
    same(lambda m, t: m.permute(t, tuple(order)), x)
    same(lambda m, t: t.transpose(a, b), x, names=True)
    if x.ndim == 2:
        same(lambda m, t: (t.t(), t.T, m.t(t), t.mT), x, names=True)


@given(data=st.data(), x=arrays())
def test_dimensions_merged_dropped_and_added(data: st.DataObject, x: Any) -> None:
    n = max(x.ndim, 1)
    a, b = sorted(data.draw(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
    same(lambda m, t: (t.flatten(), m.flatten(t, a, b)), x, names=True)
    same(lambda m, t: (t.squeeze(), t.squeeze(a), m.squeeze(t, (a,))), x, names=True)
    same(lambda m, t: (t.unsqueeze(a), m.unsqueeze(t, -1)), x, names=True)


@given(parts=hnp.array_shapes(max_dims=3, min_side=0, max_side=3), data=st.data(), inferred=st.booleans())
def test_one_dimension_cut_into_several(parts: Any, data: st.DataObject, inferred: bool) -> None:
    shape = data.draw(hnp.array_shapes(max_dims=3, min_side=0, max_side=3))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = list(parts)
    x = data.draw(arrays((*shape[: dim % len(shape)], int(np.prod(parts)), *shape[dim % len(shape) + 1 :])))
    if inferred and 0 not in parts:
        sizes[0] = -1
    same(lambda m, t: (t.unflatten(dim, sizes), m.unflatten(t, dim, tuple(sizes))), x, names=True)


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3), data=st.data())
def test_expand(shapes: Any, data: st.DataObject) -> None:
    x = data.draw(arrays(shapes.input_shapes[0]))
    target = shapes.result_shape
    same(lambda m, t: t.expand(target), x, names=True)
    same(lambda m, t: t.expand(target) * 2, x)
    kept = [
        -1 if i >= len(target) - x.ndim and target[i] == x.shape[i - len(target)] else n for i, n in enumerate(target)
    ]
    same(lambda m, t: t.expand(kept), x)
    same(lambda m, t: t.expand_as(m.zeros(target)), x)


@given(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
def test_cat_and_stack(data: st.DataObject, shape: Any) -> None:
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for _ in range(data.draw(st.integers(1, 3))):
        sizes = list(shape)
        sizes[dim] = data.draw(st.integers(0, 3))
        parts.append(data.draw(arrays(tuple(sizes))))
    same(lambda m, *t: m.cat(t, dim), *parts, names=True)
    same(lambda m, *t: m.cat(list(t), dim=dim), *parts)
    alike = [data.draw(arrays(shape)) for _ in range(2)]
    same(lambda m, *t: (m.stack(t, dim), m.stack(t, -1)), *alike, names=True)


@given(
    parts=st.lists(st.sampled_from([(0,), (2, 3), (2, 0), (4,), (1, 2, 3)]), min_size=1, max_size=4),
    dim=st.integers(-3, 2),
)
def test_empty_tensors_of_one_dimension_go_with_all_shapes(parts: Any, dim: int) -> None:
    def program(m: Any, *tensors: Any) -> Any:
        return m.cat(tensors, dim)

    inputs = [np.arange(float(np.prod(shape))).reshape(shape) for shape in parts]
    try:
        program(torch, *map(torch.from_numpy, inputs))
    except (RuntimeError, IndexError):
        same_error(program, *inputs)
    else:
        same(program, *inputs)


def test_one_tensor_in_several_places() -> None:
    x = np.array([[1.0, 2.0]])
    same(lambda m, t: (m.cat([t, t * 2, t]), m.stack([t, t])), x)


def test_contiguous_is_a_copy_only_where_needed() -> None:
    x = tinyact.ones(2, 3)
    assert x.contiguous() is x
    assert x.t().contiguous().is_contiguous()


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.ones(6).reshape(-2, 3),
        lambda m: m.ones(0).reshape(-1, 0),
        lambda m: m.ones(6).reshape(-1, 0),
        lambda m: m.ones(0).reshape(1, 2),
        lambda m: m.ones(4)[::0],
        lambda m: m.ones(4)[::-1],
        lambda m: m.cat([m.ones(2, 3), m.ones(2, 4), m.ones(2, 5)]),
        lambda m: m.cat([m.ones(2, 3), m.ones(2)], 1),
        lambda m: m.stack([m.ones(2), m.ones(3), m.ones(4)]),
    ],
)
def test_what_is_wrong_is_said_as_pytorch_says_it(program: Any) -> None:
    same_error(program, words=True)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.ones(6).reshape(4),
        lambda m: m.ones(6).reshape(-1, -1),
        lambda m: m.ones(6).reshape(-1, 4),
        lambda m: m.ones(6).reshape(-2, 3),
        lambda m: m.ones(0).reshape(-1, 0),
        lambda m: m.ones(6).reshape(2.0, 3),
        lambda m: m.ones(2, 3).t().view(6),
        lambda m: m.ones(2, 3).permute(0),
        lambda m: m.ones(2, 3).permute(0, 0),
        lambda m: m.ones(2, 3).permute(0, 2),
        lambda m: m.ones(2, 3).transpose(0, 2),
        lambda m: m.ones(2, 3, 4).t(),
        lambda m: m.ones(2, 3).flatten(1, 0),
        lambda m: m.ones(2, 6).unflatten(1, (2, 4)),
        lambda m: m.ones(2, 6).unflatten(1, (4, -1)),
        lambda m: m.ones(6).unflatten(0, (-1, -1)),
        lambda m: m.ones(6).unflatten(0, (-2, -3)),
        lambda m: m.ones(0).unflatten(0, (-1, 0)),
        lambda m: m.ones(6).unflatten(0, ()),
        lambda m: m.ones(6).unflatten(1, (2, 3)),
        lambda m: m.ones(()).unflatten(0, (1,)),
        lambda m: m.ones(2).squeeze(1),
        lambda m: m.ones(2).unsqueeze(2),
        lambda m: m.ones(2).expand(3),
        lambda m: m.ones(2).expand(()),
        lambda m: m.ones(2).expand(-1, 2),
        lambda m: m.cat([]),
        lambda m: m.cat(m.ones(2)),
        lambda m: m.cat([m.ones(2), 1]),
        lambda m: m.cat([m.ones(2), m.ones(2, 2)]),
        lambda m: m.cat([m.ones(2, 3), m.ones(2, 2)]),
        lambda m: m.cat([m.tensor(1.0)]),
        lambda m: m.stack([]),
        lambda m: m.stack([m.ones(2), m.ones(3)]),
        lambda m: m.stack([m.ones(2)], 3),
        lambda m: m.ones(2)[2],
        lambda m: m.ones(2)[-3],
        lambda m: m.ones(2)[0, 0],
        lambda m: m.ones(2)[1.0],
        lambda m: m.ones(2)["a"],
        lambda m: m.ones(2)[m.tensor([2])],
        lambda m: m.ones(2)[m.tensor([0.5])],
        lambda m: m.ones(2)[m.tensor([True, False, True])],
        lambda m: m.ones(4)[::-1],
        lambda m: m.ones(2).__setitem__(0, m.ones(3)),
        lambda m: m.ones(2).__setitem__(5, 1.0),
        lambda m: m.tensor(1.0)[0],
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


def test_what_looks_at_the_same_memory() -> None:
    x = tinyact.zeros(2, 3)
    for view in (x.t(), x[0], x[:, 1:], x.view(6), x.reshape(3, 2), x.unsqueeze(0), x.expand(2, 2, 3), x.detach()):
        assert np.shares_memory(view.numpy(), x.numpy())
    for copy in (x[[0, 1]], x[x == 0], x.clone(), x.t().reshape(6)):
        assert not np.shares_memory(copy.numpy(), x.numpy())


def test_a_view_that_is_changed_changes_its_base() -> None:
    def program(m: Any) -> Any:
        x = m.zeros(2, 3)
        x[0][1] = 5
        x.t()[2] += 1
        x.view(-1)[::2] *= 3
        return x

    same(program)


@pytest.mark.parametrize(
    "look",
    [
        lambda x: x.t(), lambda x: x[0], lambda x: x[:, 1:], lambda x: x.view(6), lambda x: x.reshape(3, 2),
        lambda x: x.unsqueeze(0), lambda x: x.expand(2, 2, 3), lambda x: x.detach(), lambda x: x.flatten(),
        lambda x: x.unflatten(1, (3, 1)),
        lambda x: x.permute(1, 0), lambda x: x.transpose(0, 1), lambda x: x.unsqueeze(0).squeeze(0),
    ],
)  # fmt: skip
def test_a_change_of_what_a_view_looks_at_is_noticed(look: Any) -> None:
    def program(m: Any) -> None:
        x = m.ones(2, 3)
        view = look(x)
        product = view * m.ones(tuple(view.shape), requires_grad=True)
        x.add_(1)
        product.sum().backward()

    same_error(program)


def test_of_many_views_none_is_forgotten() -> None:
    x = tinyact.ones(2, requires_grad=True) * 1
    views = []
    for _ in range(70):
        views.append(x[:1])
        with pytest.raises(RuntimeError, match="a tensor that has views"):
            x.mul_(2)
    views.clear()
    for _ in range(300):
        x[:1]  # looked at by nobody from here on
    assert x._views is not None
    assert len(x._views) <= 128
    x.mul_(2)


def test_sizes_by_name() -> None:
    x = np.arange(6.0).reshape(2, 3)
    same(lambda m, t: (t.reshape(shape=(3, 2)), t.view(size=(6,)), t.permute(dims=(1, 0)), t.expand(size=(2, 2, 3))), x)
    same(lambda m: (m.zeros(size=(2, 3)), m.ones(size=(2,)), m.arange(end=3)), upstream=None)
    for make in (lambda m: m.rand(size=(2,)), lambda m: m.randint(high=3, size=(2,)), lambda m: m.randint(5, (2,))):
        for m in (tinyact, torch):
            m.manual_seed(0)
        same(make, upstream=None)
    same_error(lambda m: m.ones(6).reshape(2, shape=(3,)))


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.zeros(1).expand(3).add_(1),
        lambda m: m.ones(2).expand(-2),
        lambda m: m.ones(1).expand(-2),
        lambda m: m.ones(2).mT,
        lambda m: m.ones(2).unsqueeze(True),
        lambda m: m.ones(2).unsqueeze("0"),
        lambda m: m.ones(2).unsqueeze(0.0),
    ],
)
def test_refused_too(program: Any) -> None:
    same_error(program)


def test_a_leaf_is_not_changed_through_a_view() -> None:
    def made_in_no_grad(m: Any) -> None:
        w = m.ones(2, requires_grad=True)
        with m.no_grad():
            v = w.view(2)
        v.add_(1)

    def required_later(m: Any) -> None:
        x = m.zeros(2)
        y = x.view(2)
        x.requires_grad_()
        y.add_(1)

    same_error(made_in_no_grad)
    same_error(required_later)
    x = tinyact.ones(2, requires_grad=True)
    x.detach().add_(1)  # this is what detach() is for
    assert x.tolist() == [2.0, 2.0]


def test_reversed() -> None:
    same(lambda m, t: reversed(t), np.arange(6.0).reshape(3, 2), names=True)

    def program(m: Any, x: Any) -> Any:
        y = reversed(x)
        y.sum().backward()
        (y * y).sum().backward()  # it has saved nothing that could be gone
        (gradient,) = m.autograd.grad((reversed(x) ** 3).sum(), x, create_graph=True)
        return [x.grad, m.autograd.grad(gradient.sum(), x)[0]]

    same(program, np.array([1.0, 2.0, 3.0]))
    same(program, np.array([2.0]))
