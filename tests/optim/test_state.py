"""What an optimizer remembers is in ``state`` and nowhere else: whoever changes that changes what comes next."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.interrupts import interrupted
from tests.optim.twins import (
    KINDS,
    NAMES,
    REMEMBERING,
    assert_same,
    duplicates_allowed,
    leaves,
    same,
    set_gradients,
    take_steps,
    to_numpy,
    to_tinyact,
    to_torch,
)

SHAPES = [(3,), (2, 3), (), (0,)]


def buffers(m: Any, state: Any) -> list[str]:
    return [key for key, value in state.items() if isinstance(value, m.Tensor)]


def zero_the_buffers(m: Any, optimizer: Any, p: Any) -> None:
    for key in buffers(m, optimizer.state.get(p, {})):
        optimizer.state[p][key] = m.zeros_like(optimizer.state[p][key])


def zero_in_place(m: Any, optimizer: Any, p: Any) -> None:
    for key in buffers(m, optimizer.state.get(p, {})):
        optimizer.state[p][key].zero_()


def zero_the_first(m: Any, optimizer: Any, p: Any) -> None:
    for key in buffers(m, optimizer.state.get(p, {}))[:1]:  # Adam's step
        optimizer.state[p][key].zero_()


def swap(m: Any, optimizer: Any, p: Any) -> None:
    if p in optimizer.state:
        optimizer.state[p] = optimizer.state.pop(p)


def load_what_was_saved(m: Any, optimizer: Any, p: Any) -> None:
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))


def drop_the_gradient(m: Any, optimizer: Any, p: Any) -> None:
    p.grad = None


EDITS: dict[str, Any] = {
    "a new dictionary": lambda m, optimizer, p: setattr(optimizer, "state", defaultdict(dict)),
    "clear": lambda m, optimizer, p: optimizer.state.clear(),
    "pop": lambda m, optimizer, p: optimizer.state.pop(p, None),
    "an empty state": lambda m, optimizer, p: optimizer.state.update({p: {}}),
    "a copy": lambda m, optimizer, p: setattr(optimizer, "state", defaultdict(dict, optimizer.state)),
    "copied tensors": lambda m, optimizer, p: optimizer.state.update({p: copy.deepcopy(optimizer.state.get(p, {}))}),
    "other buffers": zero_the_buffers,
    "buffers changed in place": zero_in_place,
    "one buffer changed in place": zero_the_first,
    "another order": swap,
    "load": load_what_was_saved,
    "no gradient": drop_the_gradient,
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize(("name", "settings"), KINDS)
def test_an_edited_state_counts(name: str, settings: Any, edit: str) -> None:
    def program(m: Any) -> Any:
        parameters = leaves(m, *SHAPES)
        optimizer = getattr(m.optim, name)(parameters, **settings)
        take_steps(m, optimizer, parameters, 1, 2)
        EDITS[edit](m, optimizer, parameters[1])
        edited = copy.deepcopy(optimizer.state_dict())
        take_steps(m, optimizer, parameters, 3, 4)
        return parameters, optimizer, edited

    same(program)


@pytest.mark.parametrize(("name", "settings"), KINDS)
@given(plan=st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.integers(0, 3), st.integers(0, 9)), max_size=6))
def test_any_edits_between_any_steps(name: str, settings: Any, plan: list[Any]) -> None:
    def program(m: Any) -> Any:
        parameters = leaves(m, *SHAPES)
        optimizer = getattr(m.optim, name)(parameters, **settings)
        checkpoints = []
        for edit, which, seed in plan:
            set_gradients(m, parameters, seed)
            EDITS[edit](m, optimizer, parameters[which])
            optimizer.step()
            checkpoints.append(copy.deepcopy((optimizer.state_dict(), parameters)))
        return checkpoints, optimizer

    same(program)


@pytest.mark.parametrize(("name", "settings"), REMEMBERING)
def test_a_checkpoint_holds_the_edited_state(name: str, settings: Any) -> None:
    """What is saved after an edit and a step is what the next step goes on from."""

    def program(m: Any) -> Any:
        parameters = leaves(m, *SHAPES)
        optimizer = getattr(m.optim, name)(parameters, **settings)
        take_steps(m, optimizer, parameters, 1)
        optimizer.state = defaultdict(dict)
        take_steps(m, optimizer, parameters, 2)
        others = copy.deepcopy(parameters)
        other = getattr(m.optim, name)(others, lr=5.0)
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        take_steps(m, optimizer, parameters, 3)
        take_steps(m, other, others, 3)
        assert [p.tolist() for p in others] == [p.tolist() for p in parameters]
        return parameters, optimizer, others, other

    same(program)


def test_without_momentum_there_is_no_state() -> None:
    def program(m: Any) -> Any:
        parameters = leaves(m, *SHAPES)
        optimizer = m.optim.SGD(parameters, lr=0.1)
        take_steps(m, optimizer, parameters, 1, 2)
        return len(optimizer.state), optimizer.state_dict()

    same(program)


def test_only_parameters_with_gradients_have_a_state() -> None:
    def program(m: Any, name: str) -> Any:
        a, b = leaves(m, (2,), (2,))
        optimizer = getattr(m.optim, name)([a, b], lr=0.1, **({"momentum": 0.9} if name == "SGD" else {}))
        take_steps(m, optimizer, [b], 1)
        return [key is b for key in optimizer.state], optimizer

    for name in NAMES:
        same(lambda m, name=name: program(m, name))  # type: ignore[misc]


# --- parameters that share memory -----------------------------------------------------------------------------------


def same_data(m: Any, a: Any, b: Any) -> list[Any]:
    b.data = a.data
    return [a, b]


def transposed(m: Any, a: Any, b: Any) -> list[Any]:
    b.data = a.data.t()
    return [a, b]


def overlapping(m: Any, a: Any, b: Any) -> list[Any]:
    return [a.detach()[:2].requires_grad_(), a.detach()[1:].requires_grad_()]


def strided(m: Any, a: Any, b: Any) -> list[Any]:
    return [a.detach()[:, :2].requires_grad_(), a.detach().t().requires_grad_(), a]


def twice(m: Any, a: Any, b: Any) -> list[Any]:
    return [a, b, a]


@pytest.mark.parametrize("size", [3, 130])
@pytest.mark.parametrize("shared", [same_data, transposed, overlapping, strided, twice])
@pytest.mark.parametrize(("name", "settings"), KINDS)
def test_memory_that_is_shared_gets_every_update(name: str, settings: Any, shared: Any, size: int) -> None:
    def program(m: Any) -> Any:
        a, b = leaves(m, (size, size), (size, size))
        parameters = shared(m, a, b)
        with duplicates_allowed():
            optimizer = getattr(m.optim, name)(parameters, **settings)
        take_steps(m, optimizer, parameters, 1, 2, 3)
        return a, parameters, optimizer

    same(program)


@given(data=st.data())
def test_any_views_of_one_buffer(data: st.DataObject) -> None:
    ends = st.tuples(st.integers(0, 8), st.integers(0, 8), st.sampled_from([1, 2, 3]))
    slices = data.draw(st.lists(ends.map(lambda e: slice(min(e[:2]), max(e[:2]), e[2])), min_size=1, max_size=4))
    name, settings = data.draw(st.sampled_from(KINDS))

    def program(m: Any) -> Any:
        (buffer,) = leaves(m, (8,))
        parameters = [buffer.detach()[part].requires_grad_() for part in slices]
        optimizer = getattr(m.optim, name)(parameters, **settings)
        take_steps(m, optimizer, parameters, 1, 2)
        return buffer, optimizer

    same(program)


# --- parameters that were replaced ----------------------------------------------------------------------------------


OTHER_SHAPES: list[tuple[int, ...]] = [(2, 3), (3,), (3, 2), (1, 3), (1,), (), (0,), (4, 2, 3), (6,)]


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("dtypes", [("float32", "float32"), ("float32", "float64"), ("float64", "float32")])
@pytest.mark.parametrize("shape", OTHER_SHAPES)
@pytest.mark.parametrize(("name", "settings"), KINDS)
def test_other_data(name: str, settings: Any, shape: Any, dtypes: Any, stale: bool) -> None:
    """Where PyTorch takes the step, so does tinyact, with the same numbers and dtypes; where it raises, so does it."""

    def program(m: Any) -> Any:
        (w,) = leaves(m, (2, 3), dtype=dtypes[0])
        optimizer = getattr(m.optim, name)([w], **settings)
        take_steps(m, optimizer, [w], 1, 2)
        (other,) = leaves(m, shape, dtype=dtypes[1], seed=1)
        w.data = other.detach()
        for _ in range(2):
            if not stale:
                set_gradients(m, [w], 3)
            optimizer.step()
        return w, optimizer

    # Buffers of float32 are rounded as such, whatever the parameter is by now.
    same(program, float32=dtypes[0] != dtypes[1])


@pytest.mark.parametrize(("name", "settings"), KINDS)
def test_a_model_made_double(name: str, settings: Any) -> None:
    def program(m: Any) -> Any:
        net = m.nn.Linear(3, 2)
        with m.no_grad():
            for p, start in zip(net.parameters(), leaves(m, (2, 3), (2,), dtype="float32"), strict=True):
                p.copy_(start)
        optimizer = getattr(m.optim, name)(net.parameters(), **settings)
        take_steps(m, optimizer, list(net.parameters()), 1)
        net.double()
        take_steps(m, optimizer, list(net.parameters()), 2, 3)
        # Nothing was rounded to float32 on the way.
        assert all((p.float().double() != p).any() for p in net.parameters())
        return [p.detach() for p in net.parameters()], optimizer.state_dict()

    same(program, float32="momentum" in settings or name == "Adagrad")


def test_the_error_names_the_shapes() -> None:
    (w,) = leaves(tinyact, (2, 3))
    optimizer = tinyact.optim.SGD([w], lr=0.1, momentum=0.9)
    take_steps(tinyact, optimizer, [w], 1)
    w.data = tinyact.ones(4)
    words = r"shapes don't match: parameter \[4\], gradient \[4\], momentum_buffer \[2, 3\]"
    with pytest.raises(RuntimeError, match=words):
        take_steps(tinyact, optimizer, [w], 2)


def test_a_state_that_cannot_be_continued_is_not_changed() -> None:
    (w,) = leaves(tinyact, (2,), dtype="float32")
    optimizer = tinyact.optim.Adam([w])
    take_steps(tinyact, optimizer, [w], 1)
    before = copy.deepcopy(optimizer.state_dict())
    w.data = w.data.double()
    with pytest.raises(RuntimeError, match="its gradient is float64, its state's exp_avg float32"):
        take_steps(tinyact, optimizer, [w], 2)
    assert to_numpy(before["state"])[0]["step"] == optimizer.state[w]["step"].item()
    assert before["state"][0]["exp_avg"].tolist() == optimizer.state[w]["exp_avg"].tolist()


def test_other_errors_stay_what_they_are() -> None:
    class Picky(tinyact.optim.Optimizer):
        def _update(self, p: Any, grad: Any, state: Any, group: Any) -> None:
            raise ValueError("not today")

    (w,) = leaves(tinyact, (2,))
    with pytest.raises(ValueError, match="not today"):
        take_steps(tinyact, Picky([w], {}), [w], 1)


# --- state dicts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "settings"), KINDS)
@pytest.mark.parametrize("tensors", [to_tinyact, to_numpy, lambda state: state])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_state_of_pytorchs_continues_here(name: str, settings: Any, tensors: Any, dtype: str) -> None:
    theirs = leaves(torch, *SHAPES, dtype=dtype)
    left = getattr(torch.optim, name)(theirs, **settings)
    take_steps(torch, left, theirs, 1, 2)
    ours = [tinyact.from_numpy(p.detach().numpy().copy()).requires_grad_() for p in theirs]
    right = getattr(tinyact.optim, name)(ours, lr=7.0)
    right.load_state_dict(tensors(left.state_dict()))
    left.load_state_dict(left.state_dict())  # NAdam's product of numbers gets the parameter's dtype thereby
    assert_same(right.state_dict(), left.state_dict())
    take_steps(torch, left, theirs, 3)
    take_steps(tinyact, right, ours, 3)
    assert_same([ours, right.state_dict()], [theirs, left.state_dict()])


@pytest.mark.parametrize(("name", "settings"), KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_state_of_tinyacts_continues_in_pytorch(name: str, settings: Any, dtype: str) -> None:
    ours = leaves(tinyact, *SHAPES, dtype=dtype)
    left = getattr(tinyact.optim, name)(ours, **settings)
    take_steps(tinyact, left, ours, 1, 2)
    theirs = [torch.from_numpy(p.detach().numpy().copy()).requires_grad_() for p in ours]
    right = getattr(torch.optim, name)(theirs, lr=7.0)
    right.load_state_dict(to_torch(left.state_dict()))
    left.load_state_dict(left.state_dict())
    take_steps(tinyact, left, ours, 3)
    take_steps(torch, right, theirs, 3)
    assert_same([ours, left.state_dict()], [theirs, right.state_dict()])


@pytest.mark.parametrize(("name", "key"), [
    (name, key) for name in NAMES for key in getattr(torch.optim, name)([torch.ones(1)]).param_groups[0]
])  # fmt: skip
def test_a_state_dict_without_a_setting(name: str, key: str) -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        settings = {"momentum": 0.9} if name == "SGD" else {key: True} if key == "amsgrad" else {}
        optimizer = getattr(m.optim, name)([w], maximize=key == "maximize", **settings)
        saved = optimizer.state_dict()
        del saved["param_groups"][0][key]
        optimizer.load_state_dict(saved)
        take_steps(m, optimizer, [w], 1, 2)
        return w, optimizer

    same(program)


@pytest.mark.parametrize("make", [
    lambda m: 3, lambda m: 3.0, lambda m: True, lambda m: np.float64(3), lambda m: np.float32(3), lambda m: np.int64(3),
    lambda m: m.tensor(3), lambda m: m.tensor(3.0), lambda m: m.tensor(3.0, dtype=m.float64), lambda m: m.tensor([3.0]),
    lambda m: None,
])  # fmt: skip
def test_what_step_may_be_in_a_state_dict(make: Any) -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        optimizer = m.optim.Adam([w])
        take_steps(m, optimizer, [w], 1)
        saved = copy.deepcopy(optimizer.state_dict())
        saved["state"][0]["step"] = make(m)
        optimizer.load_state_dict(saved)
        take_steps(m, optimizer, [w], 2)
        return w, optimizer

    same(program)


def test_a_step_that_is_no_tensor_in_the_state_itself() -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        optimizer = m.optim.Adam([w])
        take_steps(m, optimizer, [w], 1)
        optimizer.state[w]["step"] = 1
        take_steps(m, optimizer, [w], 2)

    same(program)


@pytest.mark.parametrize("key", ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"])
def test_a_state_that_lacks_something(key: str) -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        optimizer = m.optim.Adam([w], amsgrad=True)
        take_steps(m, optimizer, [w], 1)
        del optimizer.state[w][key]
        take_steps(m, optimizer, [w], 2)

    same(program)


def test_amsgrad_from_now_on() -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        optimizer = m.optim.Adam([w])
        take_steps(m, optimizer, [w], 1)
        optimizer.param_groups[0]["amsgrad"] = True
        take_steps(m, optimizer, [w], 2)

    same(program)


def test_none_as_a_buffer() -> None:
    """Older versions of PyTorch saved None for a momentum that hadn't begun."""

    def program(m: Any) -> Any:
        parameters = leaves(m, (2,), (3,))
        optimizer = m.optim.SGD(parameters, lr=0.1, momentum=0.9)
        take_steps(m, optimizer, parameters, 1)
        optimizer.state[parameters[0]]["momentum_buffer"] = None
        saved = optimizer.state_dict()
        loaded = copy.deepcopy(saved)
        optimizer.load_state_dict(saved)
        again = copy.deepcopy(optimizer.state_dict())
        take_steps(m, optimizer, parameters, 2)
        return loaded, again, parameters, optimizer

    same(program)


def test_buffers_in_another_dtype_are_loaded_in_the_parameters() -> None:
    def program(m: Any, name: str, settings: Any) -> Any:
        (w,), (v,) = leaves(m, (2,), dtype="float64"), leaves(m, (2,), dtype="float32")
        optimizer, other = (getattr(m.optim, name)([p], **settings) for p in (w, v))
        take_steps(m, optimizer, [w], 1)
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        take_steps(m, other, [v], 2)
        return v, other

    for name, settings in REMEMBERING:
        same(lambda m, name=name, settings=settings: program(m, name, settings))  # type: ignore[misc]


def test_an_ordered_dictionary() -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        optimizer = m.optim.Adam([w])
        take_steps(m, optimizer, [w], 1)
        saved = optimizer.state_dict()
        saved["state"] = OrderedDict(saved["state"])
        optimizer.load_state_dict(OrderedDict(saved))
        take_steps(m, optimizer, [w], 2)
        return w, optimizer

    same(program)


def test_what_belongs_to_no_parameter_is_kept() -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        optimizer = m.optim.SGD([w])
        optimizer.state["rounds"] = 3
        optimizer.state[7] = {"buffer": m.ones(2)}
        other = m.optim.SGD([w])
        other.load_state_dict(optimizer.state_dict())
        return other.state_dict()

    same(program)


def test_what_was_loaded_is_a_copy() -> None:
    (w,) = leaves(tinyact, (2,))
    optimizer = tinyact.optim.Adam([w])
    take_steps(tinyact, optimizer, [w], 1)
    saved = optimizer.state_dict()
    assert saved["state"][0] is optimizer.state[w]
    (v,) = leaves(tinyact, (2,))
    other = tinyact.optim.Adam([v])
    other.load_state_dict(saved)
    before = saved["state"][0]["exp_avg"].tolist()
    take_steps(tinyact, other, [v], 2)
    assert saved["state"][0]["exp_avg"].tolist() == before
    assert saved["param_groups"][0]["params"] == [0]


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    w = tinyact.ones(2, requires_grad=True)
    optimizer = tinyact.optim.SGD([w], lr=0.1, momentum=0.9)
    take_steps(tinyact, optimizer, [w], 1)
    other = tinyact.optim.SGD([tinyact.ones(3)], lr=0.7)
    with pytest.raises(ValueError, match=r"momentum_buffer of shape \[2\] for parameter 0, whose shape is \[3\]"):
        other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["lr"] == 0.7
    assert not other.state


@pytest.mark.parametrize("saved", [{"exp_avg": tinyact.ones(2)}, {"step": None}, {"step": "one"}, 5, [1]])
def test_a_state_that_is_none_changes_nothing(saved: Any) -> None:
    w = tinyact.ones(2, requires_grad=True)
    optimizer = tinyact.optim.Adam([w], lr=0.7)
    take_steps(tinyact, optimizer, [w], 1)
    state = {**optimizer.state_dict(), "state": {0: saved}}
    state["param_groups"][0]["lr"] = 0.1
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.7
    assert optimizer.state[w]["step"].item() == 1
    take_steps(tinyact, optimizer, [w], 1)


# An interrupt may strike a generator that nobody listens to any more.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("name", "settings"), REMEMBERING)
@pytest.mark.parametrize("seeds", [[], [1]])
def test_an_interrupted_step_leaves_later_ones_working(name: str, settings: Any, seeds: list[int]) -> None:
    def prepare() -> Any:
        weights = [tinyact.ones(2, requires_grad=True), tinyact.ones(3, requires_grad=True)]
        optimizer = getattr(tinyact.optim, name)(weights, **settings)
        take_steps(tinyact, optimizer, weights, *seeds)
        for w in weights:
            w.grad = tinyact.ones_like(w)
        return optimizer, weights

    places = 0
    for optimizer, weights in interrupted(prepare, lambda prepared: prepared[0].step()):
        places += 1
        take_steps(tinyact, optimizer, weights, 2)
        optimizer.load_state_dict(optimizer.state_dict())
        take_steps(tinyact, optimizer, weights, 1)
        assert all(bool(w.isfinite().all()) for w in weights)
    assert places > 10


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupted_load_leaves_the_old_or_the_new() -> None:
    def prepare() -> Any:
        w = tinyact.ones(2, requires_grad=True)
        optimizer = tinyact.optim.Adam([w], lr=0.7)
        take_steps(tinyact, optimizer, [w], 1)
        return optimizer, w

    saved, w = prepare()
    saved.param_groups[0]["lr"] = 0.1
    take_steps(tinyact, saved, [w], 2)
    expected = [(0.7, 1), (0.1, saved.state[w]["step"].item())]
    for optimizer, w in interrupted(prepare, lambda prepared: prepared[0].load_state_dict(saved.state_dict())):
        assert (optimizer.param_groups[0]["lr"], optimizer.state[w]["step"].item()) in expected
        assert optimizer.param_groups[0]["params"][0] is w


def test_a_state_of_ones_own_is_saved_and_loaded() -> None:
    """Only SGD and Adam know that what they remember has the parameter's shape."""

    class Counted(tinyact.optim.Optimizer):
        def _update(self, p: Any, grad: Any, state: Any, group: Any) -> None:
            state["sizes"] = [*state.get("sizes", []), float(np.abs(grad).max())]
            state["largest"] = tinyact.tensor(max(state["sizes"]))

    (w,) = leaves(tinyact, (2,))
    optimizer = Counted([w], {})
    take_steps(tinyact, optimizer, [w], 1)
    other = Counted([w], {})
    other.load_state_dict(optimizer.state_dict())
    other.step()
    assert len(optimizer.state[w]["sizes"]) == 1
    assert other.state[w]["sizes"] == optimizer.state[w]["sizes"] * 2
    assert other.state[w]["largest"].shape == ()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize(("name", "settings"), KINDS)
def test_a_copy_goes_on_by_itself(name: str, settings: Any, copied: Any) -> None:
    def program(m: Any) -> Any:
        parameters = leaves(m, *SHAPES)
        optimizer = getattr(m.optim, name)(
            [{"params": parameters[:2], "lr": 0.5}, {"params": parameters[2:]}], **settings
        )
        take_steps(m, optimizer, parameters, 1, 2)
        twin = copied(optimizer)
        others = [p for group in twin.param_groups for p in group["params"]]
        assert not set(others) & set(parameters)
        take_steps(m, twin, others, 3)
        return optimizer, parameters, twin, others

    same(program)


def test_a_pickle_of_an_older_version() -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        optimizer = m.optim.Adam([w], maximize=True)
        take_steps(m, optimizer, [w], 1)
        older = copy.deepcopy({key: getattr(optimizer, key) for key in ("defaults", "state", "param_groups")})
        for key in ("maximize", "amsgrad", "foreach"):
            del older["param_groups"][0][key]
        (state,) = older["state"].values()
        state["step"] = 1
        restored = m.optim.Adam.__new__(m.optim.Adam)
        restored.__setstate__(older)
        take_steps(m, restored, restored.param_groups[0]["params"], 2)
        return restored.param_groups, restored

    same(program)
