"""Tensors as objects: their properties, other forms, NumPy's protocols, and changes in place."""

from __future__ import annotations

import copy
import datetime
import gc
import operator
import pickle
import warnings
import weakref
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.preprocessing import StandardScaler

import tinyact
from tests.against_torch import arrays, assert_equal, same, same_error, same_outcome


@given(arrays())
def test_properties(array: Any) -> None:
    ours, theirs = tinyact.from_numpy(array), torch.from_numpy(array)
    for look in (
        lambda t: tuple(t.shape), lambda t: tuple(t.size()), lambda t: t.dim(), lambda t: t.ndim, lambda t: t.numel(),
        lambda t: t.nelement(), lambda t: t.is_floating_point(), lambda t: t.tolist(), lambda t: str(t.dtype),
        lambda t: t.is_leaf, lambda t: t.requires_grad, lambda t: t.grad, lambda t: t.type(), lambda t: repr(t.shape),
    ):  # fmt: skip
        assert look(ours) == look(theirs)
    if array.size:
        assert ours.is_contiguous() == theirs.is_contiguous()
    if array.ndim:
        assert len(ours) == len(theirs)
        assert ours.size(-1) == theirs.size(-1)
        assert [tuple(row.shape) for row in ours] == [tuple(row.shape) for row in theirs]


@pytest.mark.parametrize("name", ["float", "double", "long", "int", "bool"])
@given(array=arrays(low=-100, high=100))
def test_other_dtypes(name: str, array: Any) -> None:
    same(lambda m, x: getattr(x, name)(), array)
    same(lambda m, x: x.to(getattr(m, name)), array)
    assert getattr(tinyact.from_numpy(array), name)().dtype is getattr(tinyact, name)


def test_a_dtype_that_it_has_already_gives_itself() -> None:
    x = tinyact.ones(2)
    assert x.float() is x
    assert x.to(tinyact.float32) is x


def test_one_element_as_a_python_number() -> None:
    for program in (
        lambda m: m.tensor([2.5]).item(),
        lambda m: float(m.tensor([[2.5]])),
        lambda m: int(m.tensor(2.7)),
        lambda m: bool(m.tensor([0.0])),
        lambda m: [1, 2, 3][m.tensor(1)],
        lambda m: f"{m.tensor(2.5):.3f}",
        lambda m: 2.0 in m.tensor([1.0, 2.0]),
        lambda m: m.tensor([[1, 2], [3, 4]]).tolist(),
    ):
        assert program(tinyact) == program(torch)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.ones(2).item(),
        lambda m: float(m.ones(2)),
        lambda m: bool(m.ones(2)),
        lambda m: bool(m.ones(0)),
        lambda m: [1, 2][m.tensor(1.0)],
        lambda m: len(m.tensor(1.0)),
        lambda m: list(m.tensor(1.0)),
        lambda m: m.ones(2, requires_grad=True).numpy(),
        lambda m: np.asarray(m.ones(2, requires_grad=True)),
        lambda m: m.ones(2).size(2),
        lambda m: m.ones(2).long().requires_grad_(),
        lambda m: setattr(m.ones(2, requires_grad=True) * 2, "requires_grad", False),
        lambda m: setattr(m.ones(2), "grad", m.ones(3)),
        lambda m: setattr(m.ones(2), "grad", m.ones(2).double()),
        lambda m: setattr(m.ones(2), "grad", 1.0),
        lambda m: m.ones(2).retain_grad(),
        lambda m: m.ones(2).register_hook(print),
        lambda m: m.ones(2).backward(),
        lambda m: m.ones(2, requires_grad=True).backward(),
        lambda m: copy.deepcopy(m.ones(2, requires_grad=True) * 2),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


# --- NumPy ---------------------------------------------------------------------------------------------------------


@given(arrays())
def test_asarray_is_the_array(array: Any) -> None:
    tensor = tinyact.from_numpy(array)
    assert np.shares_memory(np.asarray(tensor), array) or array.size == 0
    assert np.asarray(tensor, np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(tensor), array)


@pytest.mark.parametrize("name", ["exp", "log1p", "sqrt", "sin", "cos", "tanh", "negative", "absolute", "square"])
def test_ufuncs_are_operations(name: str) -> None:
    x = tinyact.tensor([0.5, 2.0], requires_grad=True)
    y = getattr(np, name)(x)
    assert isinstance(y, tinyact.Tensor)
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(y.detach().numpy(), getattr(np, name)(x.detach().numpy()), rtol=1e-6)


@pytest.mark.parametrize(
    "operator",
    [
        lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a**b,
        lambda a, b: a < b, lambda a, b: a <= b, lambda a, b: a > b, lambda a, b: a >= b, lambda a, b: a == b,
        lambda a, b: a != b,
    ],
)  # fmt: skip
@pytest.mark.parametrize("other", [np.array([2.0, 3.0]), np.array([2.0, 3.0], np.float32), np.float64(2), 2, 2.5])
def test_arrays_and_numbers_on_either_side(operator: Any, other: Any) -> None:
    x = tinyact.tensor([1.0, 4.0], requires_grad=True)
    for ours, expected in (
        (operator(x, other), operator(x.detach().numpy(), other)),
        (operator(other, x), operator(other, x.detach().numpy())),
    ):
        assert isinstance(ours, tinyact.Tensor)
        np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=1e-6)
        wide = isinstance(other, np.ndarray) and other.dtype == np.float64
        if ours.dtype is not tinyact.bool:
            assert ours.dtype is (tinyact.float64 if wide else tinyact.float32)
            assert ours.requires_grad


def test_matmul_with_an_array_on_the_left() -> None:
    y = np.eye(2, dtype=np.float32) @ tinyact.tensor([1.0, 2.0])
    assert_equal(y, torch.tensor([1.0, 2.0]))


def test_other_numpy_functions_see_the_array() -> None:
    x = tinyact.tensor([3.0, 1.0, 3.0])
    assert np.unique(x).tolist() == [1.0, 3.0]
    assert np.sort(x).tolist() == [1.0, 3.0, 3.0]
    assert np.floor(x).tolist() == [3.0, 1.0, 3.0]
    with pytest.raises(RuntimeError, match="detach"):
        np.sort(x.requires_grad_())


def test_scikit_learn_takes_tensors() -> None:
    truth, guess = tinyact.tensor([0.0, 1.0, 1.0]), tinyact.tensor([[0.0], [1.0], [0.0]])
    assert accuracy_score(truth, guess) == pytest.approx(2 / 3)
    assert f1_score(truth, guess.squeeze(1)) == pytest.approx(2 / 3)
    assert confusion_matrix(truth, guess).tolist() == [[1, 0], [1, 1]]
    assert StandardScaler().fit_transform(tinyact.tensor([[1.0], [3.0]])).tolist() == [[-1.0], [1.0]]


# --- copies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [copy.copy, lambda t: pickle.loads(pickle.dumps(t))])
@given(array=arrays())
def test_copies_and_pickles_of_results_are_leaves(again: Any, array: Any) -> None:
    def program(m: Any, x: Any) -> Any:
        y = again(x * 2)
        assert y.is_leaf
        assert y.requires_grad
        (y * 3).sum().backward()
        return y.detach(), y.grad, again([y, {"loss": y.sum()}])[1]["loss"].detach()

    same(program, array)


def test_plots_of_tensors_that_require_gradients() -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure
    for m in (tinyact, torch):
        with pytest.raises(RuntimeError, match=r"Use tensor\.detach\(\)\.numpy\(\)"):
            figure().subplots().plot(m.ones(3, requires_grad=True) * 2)
        figure().subplots().plot((m.ones(3, requires_grad=True) * 2).detach())


def test_copies_and_pickles_keep_what_a_leaf_is() -> None:
    x = tinyact.tensor([1.0, 2.0], requires_grad=True)
    x.sum().backward()
    deep = copy.deepcopy(x)
    assert deep.requires_grad
    assert deep.grad is not None
    assert not np.shares_memory(deep.array, x.array)
    loaded = pickle.loads(pickle.dumps(x))
    assert loaded.requires_grad
    assert loaded.tolist() == [1.0, 2.0]
    assert pickle.loads(pickle.dumps(tinyact.float64)) is tinyact.float64


def test_detach_shares_memory_and_data_too() -> None:
    x = tinyact.ones(2, requires_grad=True)
    assert not x.detach().requires_grad
    assert np.shares_memory(x.detach().array, x.array)
    x.data.mul_(3)
    assert x.tolist() == [3.0, 3.0]


def test_results_are_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        x = tinyact.ones(3, requires_grad=True)
        y = x.sigmoid() * 2
        watch = weakref.ref(y.array), weakref.ref(y.grad_fn)
        y.sum().backward()
        del y
        assert [ref() for ref in watch] == [None, None]
    finally:
        gc.enable()


# --- changes in place ----------------------------------------------------------------------------------------------

IN_PLACE = [
    lambda m, x, o: x.add_(o),
    lambda m, x, o: x.add_(o, alpha=2),
    lambda m, x, o: x.sub_(o),
    lambda m, x, o: x.mul_(o),
    lambda m, x, o: x.div_(o),
    lambda m, x, o: x.copy_(o),
    lambda m, x, o: x.clamp_(-1, 1),
    lambda m, x, o: x.pow_(2),
    lambda m, x, o: x.zero_(),
    lambda m, x, o: x.fill_(2.5),
    lambda m, x, o: m.nn.functional.relu(x, inplace=True),
    lambda m, x, o: m.nn.functional.leaky_relu(x, 0.1, inplace=True),
    lambda m, x, o: m.nn.functional.elu(x, inplace=True),
]


@pytest.mark.parametrize("change", IN_PLACE)
@given(data=st.data())
def test_changes_of_results_are_recorded(change: Any, data: Any) -> None:
    shape = data.draw(st.sampled_from([(), (3,), (2, 3), (0,)]))
    x = data.draw(arrays(shape, "float64", -3, 3))
    other = data.draw(arrays(shape, "float64", 0.5, 3))

    def program(m: Any, a: Any, b: Any) -> Any:
        y = a * 2
        changed = change(m, y, b)
        assert changed is y
        return y * y

    same(program, x, other)


@pytest.mark.parametrize("change", IN_PLACE)
def test_a_leaf_that_needs_gradients_is_not_changed(change: Any) -> None:
    def program(m: Any) -> None:
        change(m, m.ones(2, requires_grad=True), m.ones(2))

    same_error(program)
    x = tinyact.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        change(tinyact, x, tinyact.ones(2))
    assert x.tolist() == [1.0, 1.0]
    with tinyact.no_grad():
        change(tinyact, x, tinyact.ones(2))
    assert x.is_leaf
    assert x.requires_grad


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.ones(2, requires_grad=True).uniform_(),
        lambda m: m.ones(2, requires_grad=True).normal_(),
        lambda m: m.ones(2, requires_grad=True).__setitem__(0, 1.0),
        lambda m: m.ones(2, requires_grad=True)[:1].zero_(),
        lambda m: m.ones(2).__iadd__(m.ones(3, 2)),
        lambda m: m.ones(2).long().__iadd__(1.5),
        lambda m: m.ones(2).long().uniform_(),
        lambda m: m.ones(2).uniform_(2, 1),
    ],
)
def test_refused_in_place(program: Any) -> None:
    same_error(program)


def test_operators_in_place_are_the_same_object() -> None:
    x = y = tinyact.ones(2)
    x += 1
    x -= 0.5
    x *= 4
    x /= 3
    x **= 2
    assert x is y
    np.testing.assert_allclose(y.numpy(), [4.0, 4.0], rtol=1e-6)


def test_views_see_changes_and_changes_are_noticed() -> None:
    def program(m: Any, x: Any) -> Any:
        y = x * 1
        z = y.t().sigmoid() * y.t()  # saves a view of y
        with m.no_grad():
            y[0, 0] = 5.0
        return z.sum()

    same_error(program, np.ones((2, 2), np.float32))


def test_recorded_changes_of_views_are_refused_by_name() -> None:
    x = tinyact.ones(3, requires_grad=True) * 1
    row = x[0:2]
    with pytest.raises(RuntimeError, match="view"):
        row.mul_(2)
    with pytest.raises(RuntimeError, match="view"):
        x.mul_(2)
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_changes_without_gradients_go_through_views() -> None:
    def program(m: Any) -> Any:
        x = m.zeros(2, 3)
        x[0].add_(1)
        x.t()[1] = 7
        x[:, 2] *= 2
        return x

    same(program, upstream=None)


def test_assigned_numbers_keep_their_digits_and_are_checked() -> None:
    def program(m: Any) -> Any:
        x = m.zeros(2, 3).double()
        x[0] = 0.1
        x[1, 1] = m.ones(1, 1) * 2
        x[:1] = m.ones(1, 1, 3)
        return x

    same(program)
    for value in (None, "a"):
        with pytest.raises(TypeError):
            tinyact.zeros(2)[0] = value
    same_error(lambda m: m.zeros(2).long().__setitem__(0, float("nan")))


def test_nothing_is_equal_to_none_or_a_word() -> None:
    x = tinyact.ones(2)
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "a") is False
    assert None not in [x]


def test_sizes_stay_sizes() -> None:
    for program in (lambda s: s + (1,), lambda s: s[1:], lambda s: s * 2, lambda s: s[0], lambda s: s + s):  # noqa: RUF005
        assert repr(program(tinyact.zeros(2, 3).shape)) == repr(program(torch.zeros(2, 3).shape))


@pytest.mark.parametrize("name", ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"])
def test_names_of_types(name: str) -> None:
    assert tinyact.zeros(1, dtype=name).type() == torch.zeros(1, dtype=getattr(torch, name)).type()


def test_views_that_are_gone_are_in_nobodys_way() -> None:
    def program(m: Any, a: Any) -> Any:
        h = a * 2
        for row in h:
            row.sum().item()
        del row
        h += 1
        return h * h

    same(program, np.ones((2, 3)))
    h = tinyact.ones(2, 3, requires_grad=True) * 2
    view = h[0]
    with pytest.raises(RuntimeError, match="view"):
        h += 1
    assert view.tolist() == [2.0, 2.0, 2.0]
    w = tinyact.ones(3)
    for _ in range(1000):
        w.view(3, 1)
    assert w._views is not None
    assert len(w._views) <= 128


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.allclose(m.ones(2), m.ones(5)),
        lambda m: m.equal(m.ones(2), 3),
        lambda m: m.zeros_like([1]),
        lambda m: m.ones_like(1.0),
        lambda m: setattr(m.ones(2), "requires_grad", 1),
        lambda m: setattr(m.ones(2, requires_grad=True), "data", m.zeros(3).long()),
        lambda m: setattr(m.ones(2), "data", [1, 2]),
    ],
)
def test_refused_too(program: Any) -> None:
    same_error(program)


class Reflecting:
    """A class that has every operator itself."""

    def reflected(self, other: Any) -> str:
        return f"reflected from {tuple(other.shape)}"

    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = __rmatmul__ = __rand__ = __ror__ = __rxor__ = reflected
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = reflected  # type: ignore[assignment]
    __hash__ = object.__hash__


OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul, operator.and_,
    operator.or_, operator.xor, operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge,
    operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imatmul, operator.iand,
    operator.ior, operator.ixor,
]  # fmt: skip
FOREIGN = [
    Reflecting(), object(), None, "x", np.str_("x"), b"x", (1,), {}, {1}, range(2), Decimal(1), Fraction(1, 2),
    datetime.date(2000, 1, 1), torch.float32,
]  # fmt: skip


@pytest.mark.parametrize("function", OPERATORS)
def test_operators_leave_what_is_no_operand_to_its_class(function: Any) -> None:
    def outcome(m: Any, foreign: Any, dtype: str, swapped: bool) -> Any:
        pair = (m.ones(2, dtype=getattr(m, dtype)), foreign)
        try:
            result = function(*(pair[::-1] if swapped else pair))
        except Exception as error:  # the type is what is compared
            return type(error)
        return result if isinstance(result, (bool, str)) else repr(result)

    for foreign in FOREIGN:
        for dtype in ("float32", "int64", "bool"):
            for swapped in (False, True):
                if swapped and isinstance(foreign, Reflecting) and "truediv" in function.__name__:
                    continue  # PyTorch multiplies with 1 / tensor there, and asks for __rmul__
                ours, theirs = (outcome(m, foreign, dtype, swapped) for m in (tinyact, torch))
                assert ours == theirs, (foreign, dtype, swapped)


def test_lists_are_no_operands() -> None:
    for m in (tinyact, torch):
        assert (m.ones(1) == [1.0]) is False
        with pytest.raises(TypeError):
            m.ones(1) - [1.0]
        with pytest.raises(TypeError):
            m.add(m.ones(1), [1.0])


@given(arrays(), st.sampled_from([0.0, 1, True, np.float32(2.0), "x", None, b"", [1.0]]))
def test_contains(array: Any, element: Any) -> None:
    ours, theirs = tinyact.from_numpy(array), torch.from_numpy(array)
    try:
        expected = element in theirs
    except RuntimeError:
        with pytest.raises(RuntimeError, match="tensors and numbers"):
            element in ours  # noqa: B015
    else:
        assert (element in ours) == expected


@given(arrays())
def test_reversed_and_plus(array: Any) -> None:
    same(lambda m, x: reversed(x) * 1, array)
    same(lambda m, x: +x, array)
    assert +(x := tinyact.ones(1)) is x
    same_error(lambda m: +m.tensor([True]))


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div"])
def test_functions_of_two_numbers(name: str) -> None:
    for a, b in ((1, 2), (1, 2.5), (2.5, 1), (2.0, 3.0), (True, 2)):
        if name != "sub" or a is not True:
            same(lambda m, a=a, b=b: getattr(m, name)(a, b))


@pytest.mark.parametrize(
    "program",
    [
        lambda m, s: s, lambda m, s: operator.add((4,), s), lambda m, s: operator.add(s, (4, 5)), lambda m, s: s + s,
        lambda m, s: 2 * s, lambda m, s: s * 2, lambda m, s: s[::-1], lambda m, s: s[0], lambda m, s: s == (2, 3),
        lambda m, s: m.Size(s), lambda m, s: m.Size(), lambda m, s: m.Size([np.int64(2), True]),
        lambda m, s: m.Size([m.tensor(2)]), lambda m, s: m.Size([1.5]), lambda m, s: m.Size(["a"]),
        lambda m, s: m.Size(3), lambda m, s: m.Size([None]), lambda m, s: operator.add(s, ("a",)),
        lambda m, s: operator.add(s, [4]), lambda m, s: operator.add([4], s), lambda m, s: operator.add(("a",), s),
        lambda m, s: s + 1,
    ],
)  # fmt: skip
def test_sizes(program: Any) -> None:
    def outcome(m: Any) -> Any:
        try:
            result = program(m, m.ones(2, 3).shape)
        except TypeError:
            return TypeError
        return type(result).__name__, repr(result)

    assert outcome(tinyact) == outcome(torch)


@pytest.mark.parametrize("name", ["Float", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool"])
def test_types_by_name(name: str) -> None:
    same(lambda m: m.tensor([0.0, 1.0, 2.0]).type(f"torch.{name}Tensor"))
    same(lambda m: m.tensor([1]).type(m.DoubleTensor))
    assert (x := tinyact.ones(1)).type("torch.FloatTensor") is x
    for wrong in ("torch.FooTensor", "float64", ""):
        same_error(lambda m, wrong=wrong: m.ones(1).type(wrong))


def test_the_gradient_of_a_result_is_warned_of() -> None:
    for m in (tinyact, torch):
        x = m.ones(2, requires_grad=True)
        y, kept = x * 2, x * 2
        kept.retain_grad()
        with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed") as warned:
            assert y.grad is None
        assert warned[0].filename == __file__
        (y + kept).sum().backward()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert x.grad.tolist() == [4.0, 4.0]
            assert kept.grad.tolist() == [1.0, 1.0]
            assert x.detach().grad is None
            assert m.ones(1).grad is None


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
@pytest.mark.parametrize("parameter", [True, False])
@pytest.mark.parametrize("transposed", [True, False])
def test_copies_have_what_pytorch_copies(again: Any, parameter: bool, transposed: bool) -> None:
    def run(m: Any) -> Any:
        x = m.ones(2, 3).T if transposed else m.ones(2, 3)
        x = m.nn.Parameter(x) if parameter else x.requires_grad_()
        x.note = ["mine"]
        (x * 2).sum().backward()
        y = again(x)
        with m.no_grad():
            y.add_(1)
        note = getattr(y, "note", None)
        grad = y.grad if y.grad is None else y.grad.tolist()
        return x.tolist(), y.tolist(), y.stride(), grad, y.requires_grad, type(y).__name__, note, note is x.note

    assert run(tinyact) == run(torch)


def test_a_copied_model_starts_without_gradients() -> None:
    def run(m: Any) -> Any:
        model = m.nn.Linear(2, 1)
        model(m.ones(2)).backward()
        other = copy.deepcopy(model)
        before = [p.grad for p in other.parameters()]
        other(m.ones(2)).backward()
        return before, [p.grad.tolist() for p in other.parameters()]

    assert run(tinyact) == run(torch)


LAYOUTS: list[Any] = [
    lambda m: m.ones(2, 3),
    lambda m: m.ones(2, 3).t(),
    lambda m: m.ones(2, 3, 4).permute(2, 0, 1),
    lambda m: m.ones(4, 6)[::2, ::3],
    lambda m: m.ones(4, 6)[::2, ::3].t(),
    lambda m: m.ones(3, 1).expand(3, 4),
    lambda m: m.ones(3).expand(2, 3),
    lambda m: m.ones(2, 0, 3),
    lambda m: m.ones(0, 3),
    lambda m: m.ones(1, 3),
    lambda m: m.ones(3)[None],
    lambda m: m.ones(3)[:, None],
    lambda m: m.ones(2, 3)[:1],
    lambda m: m.ones(()),
]


@pytest.mark.parametrize("make", LAYOUTS)
@pytest.mark.parametrize(
    "copied",
    [
        lambda m, x: x,
        lambda m, x: x.clone(),
        lambda m, x: x.contiguous(),
        lambda m, x: x.double(),
        lambda m, x: x.bool(),
        lambda m, x: m.zeros_like(x),
        lambda m, x: m.ones_like(x, dtype=m.int64),
        lambda m, x: m.full_like(x, 2),
        lambda m, x: m.empty_like(x),
        lambda m, x: m.cat([x, x]) if x.ndim else x,
        lambda m, x: m.stack([x, x]),
        lambda m, x: x.unsqueeze(0) if x.numel() else x,
    ],
)
def test_strides(make: Any, copied: Any) -> None:
    ours, theirs = copied(tinyact, make(tinyact)), copied(torch, make(torch))
    assert ours.stride() == theirs.stride()
    assert ours.is_contiguous() == theirs.is_contiguous()


@pytest.mark.parametrize("operator", ["iand", "ior", "ixor", "iadd", "isub", "imul", "itruediv", "ipow"])
@pytest.mark.parametrize("dtype", ["bool", "int64", "uint8", "float32"])
@pytest.mark.parametrize("other", [True, 3, 1.5, "bool", "int64", "float32"])
def test_operators_in_place(operator: str, dtype: str, other: Any) -> None:
    def program(m: Any) -> Any:
        x = kept = m.tensor([0, 1, 1]).to(getattr(m, dtype))
        view = x[1:]
        y = m.tensor([1, 1, 0]).to(getattr(m, other)) if isinstance(other, str) else other
        x = getattr(x, f"__{operator}__")(y)
        assert x is kept
        return x, view

    if (operator, dtype, other) == ("ipow", "bool", True):
        with pytest.raises(RuntimeError):  # as docs/differences.md says; PyTorch has a copy
            program(tinyact)
    else:
        same_outcome(program)


def test_an_array_stays_an_array_when_a_tensor_is_added_in_place() -> None:
    for operation in (operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow):
        array = kept = np.array([1.0, 2.0])
        array = operation(array, tinyact.tensor([2.0, 4.0]))
        assert array is kept
        assert type(operation(np.ones(2), tinyact.ones(2))) is np.ndarray
        with pytest.raises(RuntimeError, match="requires grad"):
            operation(array, tinyact.ones(2, requires_grad=True))


@pytest.mark.parametrize("make", [lambda m: m.arange(18.0).reshape(6, 3), lambda m: m.arange(6.0)])
def test_matplotlib_reads_tensors_as_arrays(make: Any) -> None:
    from matplotlib import cbook

    ours, theirs = make(tinyact), make(torch)
    for read in (cbook._reshape_2D, lambda t, _: [cbook.index_of(t)[1]]):
        for a, b in zip(read(ours, "x"), read(theirs.numpy(), "x"), strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(RuntimeError, match="requires grad"):
        cbook._reshape_2D(ours.requires_grad_(), "x")
