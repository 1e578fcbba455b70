"""Which entries of large arrays are shown: those that the sums name, and what they were made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tinyact
from tests.inspect.networks import deep, small_network
from tinyact import nn
from tinyact.inspect import Trace, trace
from tinyact.inspect.cli import network_trace
from tinyact.inspect.followed import MOST, Followed
from tinyact.inspect.terms import SHOWN, product


def products() -> Trace:
    tinyact.manual_seed(0)
    a, b = tinyact.randn(9, 20, requires_grad=True), tinyact.randn(20, 30, requires_grad=True)
    c = tinyact.randn(30, 8, requires_grad=True)
    return trace(((a @ b).tanh() @ c).square().mean(), names={"a": a, "b": b, "c": c})


def not_finite() -> Trace:
    _, network, named = small_network()
    x = named["x"].clone()
    x[1, 2] = float("nan")
    return trace(nn.functional.mse_loss(network(x), named["target"]), network, {"x": x})


PROGRAMS: dict[str, Callable[[], Trace]] = {
    "notebook": lambda: network_trace(samples=500),
    "deeper": lambda: network_trace(hidden=(40, 30, 20), samples=500),
    "square": lambda: network_trace("none", hidden=(100,), samples=100),
    "products": products,
    "not finite": not_finite,
}
each_program = pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)


@each_program
def test_every_number_that_a_sum_names_at_first_can_be_looked_up(program: Callable[[], Trace]) -> None:
    of = program()
    followed, count = Followed(of), 0
    for step in of.steps:
        for sent in step.sent:
            factors_of_rule = product(step, sent, of)
            if factors_of_rule is None:
                continue
            count += 1
            entry = followed.at(sent.target.number)[0]
            left, right = factors_of_rule.factors([entry[0]], [entry[1]])
            terms = left[0].astype(np.float64) * right[0]
            # By their places in the arrays themselves, as a reader looks them up.
            largest = np.argsort(-np.abs(terms), kind="stable")[:SHOWN]
            for factor in factors_of_rule:
                for i in largest:
                    assert factor.place(entry, i) in followed.at(factor.node)
                    assert factor.array[factor.place(entry, i)] in (left[0, i], right[0, i]) or np.isnan(terms[i])
    assert count >= 3


@each_program
def test_element_by_element_the_places_are_the_same(program: Callable[[], Trace]) -> None:
    of = program()
    followed = Followed(of)
    for step in of.steps:
        for sent in step.sent:
            if product(step, sent, of) is None and step.node.shape == sent.target.shape:
                assert set(followed.at(sent.target.number)) == set(followed.at(step.node.number))


def test_the_first_weights_gradient_is_followed_at_its_largest_entry() -> None:
    of = network_trace(samples=500)
    weight = of.step("fc1.weight")
    assert Followed(of).at(weight.node.number) == [np.unravel_index(np.abs(weight.gradient).argmax(), (16, 100))]


def test_a_deep_networks_arrays_have_few() -> None:
    of = network_trace(hidden=(64,) * 6, samples=500)
    followed = Followed(of)
    assert max(len(followed.at(node.number)) for node in of.graph.nodes) <= 2 * MOST


def test_by_module_there_are_no_sums_to_follow() -> None:
    loss, network = deep(20)
    of = trace(loss, network).grouped()
    followed = Followed(of)
    assert not any(followed.at(node.number) for node in of.graph.nodes)
