"""Module: attributes, names, state, modes, the printed form, the call and its hooks."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

import tinyact
from tests.nn.twins import errors, from_torch, same_error, seeded, to_torch


def network(module: Any) -> Any:
    """A module with everything: nesting, sharing, buffers, empty places."""

    class Network(module.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.scale = module.nn.Parameter(module.tensor(2.0))
            self.first = module.nn.Linear(3, 4)
            self.register_buffer("mean", module.zeros(3))
            self.register_buffer("cache", module.ones(1), persistent=False)
            self.register_buffer("nothing", None)
            self.register_parameter("absent", None)
            self.add_module("hole", None)
            self.block = module.nn.Sequential(module.nn.Linear(4, 4, bias=False), module.nn.PReLU(4))
            self.again = self.first
            self.tied = self.first.weight
            self.losses = module.nn.ModuleList([module.nn.BCELoss(module.ones(2)), module.nn.BCELoss()])

        def forward(self, input: Any) -> Any:
            return self.block(self.first(input - self.mean)) * self.scale

        def extra_repr(self) -> str:
            return "one=1\n\ntwo=2"

    return Network()


VIEWS = {
    "parameters": lambda n: [tuple(p.shape) for p in n.parameters()],
    "own parameters": lambda n: [tuple(p.shape) for p in n.parameters(recurse=False)],
    "named_parameters": lambda n: [name for name, _ in n.named_parameters()],
    "own named_parameters": lambda n: [name for name, _ in n.named_parameters("net", recurse=False)],
    "all named_parameters": lambda n: [name for name, _ in n.named_parameters(remove_duplicate=False)],
    "buffers": lambda n: [b.tolist() for b in n.buffers()],
    "named_buffers": lambda n: [name for name, _ in n.named_buffers(prefix="net")],
    "children": lambda n: [repr(child) for child in n.children()],
    "named_children": lambda n: [name for name, _ in n.named_children()],
    "modules": lambda n: [repr(m) for m in n.modules()],
    "named_modules": lambda n: [name for name, _ in n.named_modules()],
    "all named_modules": lambda n: [name for name, _ in n.named_modules(prefix="net", remove_duplicate=False)],
    "state_dict": lambda n: [(name, v.tolist(), v.requires_grad) for name, v in n.state_dict().items()],
    "state_dict with prefix": lambda n: list(n.state_dict(prefix="net.")),
    "repr": repr,
    "_get_name": lambda n: n._get_name(),
    "get_submodule": lambda n: [repr(n.get_submodule(path)) for path in ("", "block", "block.1", "losses.0")],
    "get_parameter": lambda n: [n.get_parameter(path).tolist() for path in ("scale", "block.0.weight", "tied")],
    "missing are None": lambda n: (n.nothing, n.absent, n.hole),
    "parts in dir": lambda n: [name for name in ("scale", "first", "mean", "absent", "0") if name in dir(n)],
    "numbers in dir": lambda n: "0" in dir(n.block),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_same_view(view: Any) -> None:
    ours, theirs = seeded(network)
    assert view(ours) == view(theirs)


CHANGES = {
    "parameter replaced keeps its place": lambda m, n: setattr(n, "scale", m.nn.Parameter(m.ones(1))),
    "parameter becomes None": lambda m, n: setattr(n, "scale", None),
    "module becomes None": lambda m, n: setattr(n, "first", None),
    "module becomes parameter": lambda m, n: setattr(n, "first", m.nn.Parameter(m.ones(1))),
    "buffer replaced": lambda m, n: setattr(n, "mean", m.ones(1)),
    "buffer becomes None": lambda m, n: setattr(n, "mean", None),
    "buffer becomes module": lambda m, n: setattr(n, "mean", m.nn.ReLU()),
    "buffer becomes persistent": lambda m, n: n.register_buffer("cache", m.ones(1)),
    "buffer becomes parameter, then buffer": lambda m, n: (
        setattr(n, "cache", m.nn.Parameter(m.ones(1))),
        delattr(n, "cache"),
        n.register_buffer("cache", m.ones(1)),
    ),
    "plain attribute becomes parameter": lambda m, n: (
        setattr(n, "plain", 1),
        setattr(n, "plain", m.nn.Parameter(m.ones(1))),
    ),
    "plain tensor is none of them": lambda m, n: setattr(n, "plain", m.ones(1)),
    "deletions": lambda m, n: [delattr(n, name) for name in ("scale", "first", "mean", "cache")],
    "register_module": lambda m, n: n.register_module("last", m.nn.Tanh()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_same_after(change: Any) -> None:
    ours, theirs = seeded(network)
    change(tinyact, ours)
    change(torch, theirs)
    for view in ("repr", "state_dict", "all named_parameters", "named_buffers", "parts in dir"):
        assert VIEWS[view](ours) == VIEWS[view](theirs)


def before_init(assign: Any) -> Any:
    """A program that makes a part before ``super().__init__()``."""

    def program(module: Any) -> None:
        class Early(module.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                assign(module, self)

        Early()

    return program


WORDED = {
    "module before init": before_init(lambda m, n: setattr(n, "a", m.nn.ReLU())),
    "parameter before init": before_init(lambda m, n: setattr(n, "a", m.nn.Parameter(m.ones(1)))),
    "register_parameter before init": before_init(lambda m, n: n.register_parameter("a", None)),
    "register_buffer before init": before_init(lambda m, n: n.register_buffer("a", None)),
    "attribute of what has none": lambda m: network(m).nope,
    "delete what is not there": lambda m: delattr(network(m), "nope"),
    "number as parameter": lambda m: setattr(network(m), "scale", 3),
    "tensor as parameter": lambda m: setattr(network(m), "scale", m.ones(1)),
    "number as module": lambda m: setattr(network(m), "first", 3),
    "number as buffer": lambda m: setattr(network(m), "mean", 3),
    "module name with dot": lambda m: network(m).add_module("a.b", m.nn.ReLU()),
    "empty parameter name": lambda m: network(m).register_parameter("", None),
    "empty buffer name": lambda m: network(m).register_buffer("", None),
    "empty module name": lambda m: network(m).add_module("", None),
    "parameter name of a method": lambda m: network(m).register_parameter("train", None),
    "buffer name of a parameter": lambda m: network(m).register_buffer("scale", None),
    "module name of a buffer": lambda m: network(m).add_module("mean", None),
    "parameter name no string": lambda m: network(m).register_parameter(3, None),
    "buffer name no string": lambda m: network(m).register_buffer(3, None),
    "module name no string": lambda m: network(m).add_module(3, None),
    "register tensor as parameter": lambda m: network(m).register_parameter("a", m.ones(1)),
    "register double as parameter": lambda m: network(m).register_parameter("a", m.ones(1).double()),
    "register number as buffer": lambda m: network(m).register_buffer("a", 3),
    "register number as module": lambda m: network(m).add_module("a", 3),
    "train with a number": lambda m: network(m).train(3),
    "no forward": lambda m: m.nn.Module()(1),
    "get_submodule: none there": lambda m: network(m).get_submodule("block.7"),
    "get_submodule: a buffer": lambda m: network(m).get_submodule("mean"),
    "get_parameter: no such path": lambda m: network(m).get_parameter("x.y"),
    "get_parameter: no such name": lambda m: network(m).get_parameter("first.y"),
    "get_parameter: a buffer": lambda m: network(m).get_parameter("mean"),
    "to integers": lambda m: network(m).to(m.int64),
    "load nothing": lambda m: network(m).load_state_dict({}),
    "load a number": lambda m: m.nn.Linear(1, 1).load_state_dict(3),
    "load too much": lambda m: m.nn.ReLU().load_state_dict({"a": m.ones(1), "b.c": m.ones(1)}),
    "load all kinds of wrong": lambda m: m.nn.Linear(2, 1).load_state_dict({"weight": m.ones(3), "a": m.ones(1)}),
    "load misshapen, not strict": lambda m: m.nn.Linear(2, 1).load_state_dict({"weight": m.ones(3)}, strict=False),
}


@pytest.mark.parametrize("program", WORDED.values(), ids=WORDED)
def test_same_error(program: Any) -> None:
    same_error(program)


def test_other_errors() -> None:
    errors(lambda m: network(m).register_parameter("a.b", None))
    errors(lambda m: network(m).register_buffer("a.b", None))
    errors(lambda m: setattr(network(m), "a.b", m.nn.Parameter(m.ones(1))))
    errors(lambda m: setattr(network(m), "scale", m.nn.ReLU()))
    errors(lambda m: m.nn.Module(3))
    errors(lambda m: m.nn.Linear(1, 1).load_state_dict({"weight": 3, "bias": m.ones(1)}))
    errors(lambda m: before_init(lambda m, n: n.add_module("a", None))(m))


def test_parameter_that_is_no_leaf() -> None:
    def program(module: Any) -> None:
        parameter = module.nn.Parameter(module.ones(1), requires_grad=False)
        parameter.add_(module.ones(1, requires_grad=True))
        module.nn.Module().register_parameter("a", parameter)

    same_error(program)


def test_attribute_before_init_stays() -> None:
    class Early(tinyact.nn.Module):
        def __init__(self) -> None:
            self.early = 1
            super().__init__()

    assert Early().early == 1


def test_state_dict_shares_memory_but_no_graph() -> None:
    layer = tinyact.nn.Linear(2, 2)
    state = layer.state_dict()
    assert isinstance(state, OrderedDict)
    state["bias"].zero_()
    assert layer.bias.tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_dict_goes_to_torch_and_back(dtype: str) -> None:
    ours, theirs = network(tinyact).to(getattr(tinyact, dtype)), network(torch).to(getattr(torch, dtype))
    assert str(theirs.load_state_dict(to_torch(ours.state_dict()))) == "<All keys matched successfully>"
    again = network(tinyact)
    result = again.load_state_dict(from_torch(theirs.state_dict()))
    assert repr(result) == str(result) == "<All keys matched successfully>"
    for name, value in again.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), ours.state_dict()[name].numpy().astype(np.float32))
        assert value.dtype is tinyact.float32


def test_loading_not_strictly_tells_what_differs() -> None:
    found = [
        m.nn.Linear(2, 1).load_state_dict({"weight": m.ones(1, 2), "more": m.ones(1)}, strict=False)
        for m in (tinyact, torch)
    ]
    assert repr(found[0]) == repr(found[1])
    assert tuple(found[0]) == tuple(found[1]) == (["bias"], ["more"])


def test_nothing_is_loaded_if_there_is_an_error() -> None:
    layer = tinyact.nn.Linear(2, 1)
    before = {name: value.tolist() for name, value in layer.state_dict().items()}
    with pytest.raises(RuntimeError, match="size mismatch for bias"):
        layer.load_state_dict({"weight": tinyact.ones(1, 2), "bias": tinyact.ones(7)})
    assert {name: value.tolist() for name, value in layer.state_dict().items()} == before


def test_loading_is_noticed_by_a_sweep() -> None:
    layer = tinyact.nn.Linear(2, 1)
    loss = layer(tinyact.ones(1, 2, requires_grad=True)).sum()
    layer.load_state_dict({"weight": tinyact.ones(1, 2), "bias": tinyact.ones(1)})
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_modes_reach_all() -> None:
    net = network(tinyact)
    assert all(m.training for m in net.modules())
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert net.train() is net
    assert all(m.training for m in net.modules())


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(set_to_none: bool) -> None:
    ours, theirs = seeded(network)
    for m, net in ((tinyact, ours), (torch, theirs)):
        net(m.ones(2, 3)).sum().backward()
        net.zero_grad(set_to_none)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None) == set_to_none
        assert a.grad is None or a.grad.tolist() == b.grad.tolist()


def test_zero_grad_lets_go_of_a_recorded_gradient() -> None:
    layer = tinyact.nn.Linear(2, 1)
    (layer(tinyact.ones(1, 2)) ** 2).sum().backward(create_graph=True)
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad is not None
    assert not layer.weight.grad.requires_grad
    assert layer.weight.grad.tolist() == [[0, 0]]


def test_requires_grad_() -> None:
    net = network(tinyact)
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())
    assert not net(tinyact.ones(2, 3)).requires_grad
    assert all(p.requires_grad for p in net.requires_grad_().parameters())


def test_apply_goes_from_the_leaves_up() -> None:
    orders = []
    for net in seeded(network):
        order: list[str] = []
        assert net.apply(lambda m, order=order: order.append(m._get_name())) is net
        orders.append(order)
    assert orders[0] == orders[1]


@pytest.mark.parametrize("convert", [lambda m, n: n.double(), lambda m, n: n.to(m.float64)])
def test_conversion(convert: Any) -> None:
    ours, theirs = seeded(network)
    for m, net in ((tinyact, ours), (torch, theirs)):
        net.register_buffer("count", m.tensor(3))
        net.register_buffer("outer", SHARED[m])
        net(m.ones(2, 3)).sum().backward()
        before = list(net.parameters())
        assert convert(m, net) is net
        assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
        assert str(SHARED[m].dtype) == "torch.float32"
    for view in (ours.parameters(), theirs.parameters()):
        assert {str(p.dtype) for p in view} == {"torch.float64"}
    assert [str(p.grad.dtype) for p in ours.parameters()] == [str(p.grad.dtype) for p in theirs.parameters()]
    assert [str(b.dtype) for b in ours.buffers()] == [str(b.dtype) for b in theirs.buffers()]
    assert {str(v.dtype) for v in ours.float().state_dict().values()} == {"torch.float32", "torch.int64"}


SHARED = {tinyact: tinyact.ones(1), torch: torch.ones(1)}


@pytest.mark.parametrize("again", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))], ids=["deepcopy", "pickle"])
def test_copies(again: Any) -> None:
    net = tinyact.nn.Sequential(
        OrderedDict(a=tinyact.nn.Linear(2, 2), b=tinyact.nn.LeakyReLU(0.2), c=tinyact.nn.PReLU())
    )
    net.add_module("d", net.a)
    net.eval()
    copied = again(net)
    assert repr(copied) == repr(net)
    assert copied.d is copied.a
    assert not copied.training
    x = tinyact.tensor([[1.0, -2.0]])
    assert copied(x).tolist() == net(x).tolist()
    for a, b in zip(copied.parameters(), net.parameters(), strict=True):
        assert type(a) is tinyact.nn.Parameter
        assert a.requires_grad
        assert not np.shares_memory(a.array, b.array)


def test_call_passes_keywords() -> None:
    class Weighted(tinyact.nn.Module):
        def forward(self, a: Any, *, b: Any = 1) -> Any:
            return a * b

    assert Weighted()(2, b=3) == 6
    hooked = Weighted()
    hooked.register_forward_hook(lambda module, args, output: output + 1)
    assert hooked(2, b=3) == 7


def test_forward_hooks_in_order() -> None:
    """Pre-hooks may change the arguments, hooks the output, one after the other."""
    logs = []
    for m in (tinyact, torch):
        log: list[Any] = []

        class Double(m.nn.Module):  # type: ignore[misc,name-defined]
            def forward(self, x: Any, log: list[Any] = log) -> Any:
                log.append(("forward", x))
                return 2 * x

        module = Double()

        def pre(name: str, change: Any, log: list[Any] = log) -> Any:
            return lambda module, args: (log.append((name, args)), change(args))[1]

        def post(name: str, change: Any, log: list[Any] = log) -> Any:
            return lambda module, args, output: (log.append((name, args, output)), change(output))[1]

        module.register_forward_hook(post("h1", lambda output: output + 1))
        module.register_forward_pre_hook(pre("p1", lambda args: args[0] + 10))
        removed = module.register_forward_hook(post("h2", lambda output: None))
        module.register_forward_pre_hook(pre("p2", lambda args: (args[0] + 100,)))
        module.register_forward_pre_hook(pre("p3", lambda args: None))
        log.append(module(1))
        removed.remove()
        with module.register_forward_hook(post("h3", lambda output: -output)):
            log.append(module(1))
        log.append(module(1))
        logs.append(log)
    assert logs[0] == logs[1]
    assert logs[0][-1] == 223


@pytest.mark.parametrize("array", [np.broadcast_to(np.float32(1.0), (1,)), np.frombuffer(b"1234", np.float32)])
def test_memory_that_cannot_be_written_to_is_noticed_before_anything_is_loaded(array: Any) -> None:
    layer = tinyact.nn.Linear(2, 1)
    before = layer.weight.tolist()
    layer.bias.data = tinyact.as_tensor(array)
    with pytest.raises(RuntimeError, match='parameter named "bias": its memory'):
        layer.load_state_dict({"weight": tinyact.ones(1, 2), "bias": tinyact.ones(1)})
    assert layer.weight.tolist() == before
