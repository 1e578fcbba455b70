"""The table of a network is torchinfo's, line by line, and the network is left as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchinfo

import tinyact
from tinyact import nn
from tinyact.inspect import summary


def perceptron(m: Any) -> Any:
    return m.nn.Sequential(m.nn.Linear(100, 16), m.nn.ReLU(), m.nn.Dropout(), m.nn.Linear(16, 1), m.nn.Sigmoid())


def nested(m: Any, depth: int) -> Any:
    """A block in a block in a block …, each with parameters of its own beside it."""

    class Block(m.nn.Module):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.scale = m.nn.Parameter(m.ones(4))
            self.linear = m.nn.Linear(4, 4)
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return self.inner(self.linear(x) * self.scale)

    network = m.nn.Sequential(m.nn.Tanh(), m.nn.PReLU(4))
    for _ in range(depth):
        network = Block(network)
    return network


def used_twice(m: Any) -> Any:
    class Twice(m.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = m.nn.Sequential(m.nn.Linear(4, 4), m.nn.ReLU())
            self.same = self.first
            self.never = m.nn.Linear(5, 5)

        def forward(self, x: Any) -> Any:
            return self.same(self.first(self.first(x)))

    return Twice()


def tied(m: Any) -> Any:
    network = m.nn.Sequential(m.nn.Linear(4, 4), m.nn.Sequential(m.nn.Linear(4, 4, bias=False), m.nn.ELU()))
    network[1][0].weight = network[0].weight
    return network


def held(m: Any) -> Any:
    """Modules in lists and dictionaries, which aren't called themselves."""

    class Held(m.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = m.nn.ModuleList([m.nn.Linear(4, 4) for _ in range(2)])
            self.bends = m.nn.ModuleDict({"a": m.nn.ReLU(), "b": m.nn.Sequential(m.nn.Tanh(), m.nn.Linear(4, 4))})
            self.deep = m.nn.ModuleList([m.nn.ModuleList([m.nn.Linear(4, 4)]), m.nn.ModuleList([m.nn.Linear(4, 4)])])

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = self.bends["a"](layer(x))
            return self.deep[1][0](self.bends["b"](self.deep[0][0](x)))

    return Held()


def frozen(m: Any) -> Any:
    network = m.nn.Sequential(m.nn.Linear(4, 8), m.nn.Sequential(m.nn.Linear(8, 8), m.nn.Linear(8, 2)))
    for parameter in network[0].parameters():
        parameter.requires_grad_(False)
    network[1][0].bias.requires_grad_(False)
    return network


def several(m: Any) -> Any:
    """Several inputs and outputs, of several kinds; a class whose name says how its weight is used."""

    class Pair(m.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any, y: Any) -> Any:
            return x @ y, x

    class Named(m.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return {"first": x[0], "last": x}

    class ConvToy(m.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = m.nn.Parameter(m.ones(3))
            self.weight_of_its_own = m.nn.Parameter(m.ones(5))
            self.other = m.nn.Parameter(m.ones(7))

        def forward(self, x: Any) -> Any:
            return x.reshape(2, 3, -1)

    class Network(m.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.pair, self.named, self.toy = Pair(), Named(), ConvToy()

        def forward(self, x: Any, y: Any) -> Any:
            return self.toy(self.named(self.pair(x, y)[0])["last"])

    return Network()


def long_name(m: Any) -> Any:
    class ANameThatIsLongerThanTheColumnInWhichItStands(m.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x

    return m.nn.Sequential(m.nn.Linear(3, 3), m.nn.Sequential(ANameThatIsLongerThanTheColumnInWhichItStands()))


def wide(m: Any) -> Any:
    return m.nn.Sequential(m.nn.Linear(1000, 2000, dtype=m.float64), m.nn.Linear(2000, 1000, dtype=m.float64))


NETWORKS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "perceptron": (perceptron, (64, 100)),
    "perceptron, many samples": (perceptron, (100_000, 100)),
    "a single layer": (lambda m: m.nn.Linear(3, 2), (5, 3)),
    "no parameters": (lambda m: m.nn.Sequential(m.nn.ReLU(), m.nn.Identity()), (2, 2)),
    "three dimensions": (lambda m: m.nn.Sequential(m.nn.Linear(3, 2)), [5, 4, 3]),
    "nested once": (lambda m: nested(m, 1), (2, 4)),
    "nested deeply": (lambda m: nested(m, 5), (2, 4)),
    "used twice": (used_twice, (2, 4)),
    "tied": (tied, (2, 4)),
    "held": (held, (2, 4)),
    "frozen": (frozen, (2, 4)),
    "several inputs": (several, [(2, 3), (3, 6)]),
    "a long name": (long_name, (2, 3)),
}


def lines(table: Any) -> list[str]:
    """Newer Pythons print torchinfo's unit by its name in the code."""
    units = {"Units.MEGABYTES": "M", "Units.GIGABYTES": "G", "Units.TERABYTES": "T"}
    text = str(table)
    for name, unit in units.items():
        text = text.replace(name, unit)
    return text.splitlines()


@pytest.mark.parametrize("depth", [1, 2, 3, 9])
@pytest.mark.parametrize(("network", "size"), NETWORKS.values(), ids=NETWORKS)
def test_as_torchinfo(network: Any, size: Any, depth: int, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = torchinfo.summary(network(torch), size, depth=depth, verbose=0)
    ours = summary(network(tinyact), size, depth=depth)
    assert capsys.readouterr().out == f"{ours}\n"
    assert lines(ours) == lines(theirs)
    assert ours.total_params == theirs.total_params
    assert ours.trainable_params == theirs.trainable_params
    assert ours.total_mult_adds == theirs.total_mult_adds


def test_tensors(capsys: pytest.CaptureFixture[str]) -> None:
    x = [[1.0, 2.0, 3.0]] * 2, [[1.0] * 6] * 3
    theirs = torchinfo.summary(several(torch), input_data=[torch.tensor(part) for part in x], verbose=0)
    ours = summary(several(tinyact), tuple(tinyact.tensor(part) for part in x), verbose=0)
    assert lines(ours) == lines(theirs)
    assert capsys.readouterr().out == ""
    theirs = torchinfo.summary(wide(torch), input_data=torch.ones(1000, 1000, dtype=torch.float64), verbose=0)
    assert lines(summary(wide(tinyact), tinyact.ones(1000, 1000, dtype=tinyact.float64), verbose=0)) == lines(theirs)


def test_what_torchinfo_has_no_table_for() -> None:
    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(tinyact.ones(3))

        def forward(self, x: Any) -> Any:
            return (x * self.weight).mean()

    assert "Mean                                     --                        3" in str(summary(Mean(), (2, 3)))


def facts(network: nn.Module) -> list[Any]:
    hooks = ("_forward_hooks", "_forward_pre_hooks")
    return [(module.training, *(list(getattr(module, name)) for name in hooks)) for module in network.modules()]


def test_the_network_is_left_as_it_was() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Dropout(), nn.Linear(3, 1)))
    network[1].eval()
    calls: list[Any] = []
    network[0].register_forward_hook(lambda *args: calls.append(args))
    network(tinyact.ones(1, 3)).sum().backward()
    before = facts(network)
    grads = [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
    tinyact.manual_seed(3)
    tinyact.randn(1)  # so that a second one waits
    state = tinyact.get_rng_state()
    result = summary(network, (2, 3), verbose=0)
    assert tinyact.get_rng_state().equal(state)
    assert facts(network) == before
    assert all(a.equal(p.grad) for a, p in zip(grads, network.parameters(), strict=True) if p.grad is not None)
    assert len(calls) == 2
    assert str(result) == str(summary(network, (2, 3), verbose=0))


def test_an_error_inside_leaves_it_too() -> None:
    class Noisy(nn.Module):
        def forward(self, x: Any) -> Any:
            tinyact.rand(5)
            raise ArithmeticError("no such sum")

    network = nn.Sequential(nn.Linear(3, 3), Noisy())
    state = tinyact.get_rng_state()
    with pytest.raises(ArithmeticError, match="no such sum"):
        summary(network, (2, 3))
    assert tinyact.get_rng_state().equal(state)
    assert all(module.training and not module._forward_hooks for module in network.modules())


def test_deep_networks() -> None:
    network: nn.Module = nn.Linear(2, 2)
    for _ in range(100):
        network = nn.Sequential(network)
    assert summary(network, (1, 2), verbose=0).total_params == 6


@pytest.mark.parametrize("size", [None, (), "ab", 3, (2, "3"), [(2, 3), tinyact.ones(1)], (2.0, 3)])
def test_what_is_no_input(size: Any) -> None:
    with pytest.raises(TypeError, match="the input is a tensor, a tuple of tensors, a size or a list of sizes; got"):
        summary(nn.Linear(3, 3), size)


@pytest.mark.parametrize("size", [(0, 3), [(2, 3), (-1, 3)]])
def test_sizes_that_are_none(size: Any) -> None:
    with pytest.raises(ValueError, match="sizes are positive"):
        summary(nn.Linear(3, 3), size)
