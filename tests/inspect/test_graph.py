"""The recorded graph as an object, and the errors for what has none."""

from __future__ import annotations

import pytest

import tinyact
from tests.inspect.networks import deep, diamond, small_network
from tinyact.inspect import graph


def test_nodes_of_a_network() -> None:
    loss, network, named = small_network()
    g = graph(loss, network, named)
    assert g.order[:5] == ("L", "v4", "v3", "v2", "v1")
    assert set(g.order[5:]) == {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}
    assert [node.number for node in g.nodes] == list(range(1, len(g.nodes) + 1))
    linear = g.node("v1")
    assert (linear.operation, linear.shape, linear.dtype, linear.module) == ("Linear", (3, 2), "float32", "fc1")
    assert linear.mathematics.formula == "y = x·Wᵀ + b"
    assert {(g.nodes[edge.source - 1].name, edge.argument) for edge in g.inputs(linear)} == {
        ("x", "x"), ("fc1.weight", "weight"), ("fc1.bias", "bias"),
    }  # fmt: skip
    assert g.node("x").kind == g.node("target").kind == "constant"
    assert g.node("L").settings["reduction"] == "mean"
    assert g.node(2) is g.node("v4")
    with pytest.raises(KeyError, match="no node 'v9'; there are L, v4"):
        g.node("v9")


def test_the_order_is_the_sweeps() -> None:
    loss, named = diamond()
    visits = []
    for name, tensor in {**named, "L": loss}.items():
        tensor.register_hook(lambda grad, name=name: visits.append(name))
    order = graph(loss, names=named).order
    loss.backward()
    assert list(order) == visits == ["L", "sine", "doubled", "v", "w"]


def test_names_without_module() -> None:
    a, b = tinyact.ones(2, requires_grad=True), tinyact.ones(2)
    assert [node.name for node in graph((a * b).sum()).nodes] == ["L", "v1", "leaf1", "const1"]


def test_what_is_saved_and_what_it_costs() -> None:
    loss, network, named = small_network()
    g = graph(loss, network, named)
    assert g.node("v1").saved == ("x",)
    assert g.node("v2").saved == ("y",)
    assert g.node("v1").saved_bytes == 3 * 4 * 4
    assert g.node("v1").multiplications == (3 * 4 * 2, 3 * 4 * 2)
    assert g.node("v3").multiplications == (3 * 2, 2 * 3 * 2)
    # x, ReLU's output (saved twice, there once), fc2.weight, the probabilities (also twice), the target.
    assert g.counts.saved_bytes == 4 * (3 * 4 + 3 * 2 + 2 + 3 + 3)
    assert (g.counts.operations, g.counts.leaves, g.counts.multiplications) == (5, 4, (30, 36))
    assert str(g.counts) == (
        "5 operations, 4 leaves; saved for the derivatives: 104 B; multiplications: 30 forward, 36 backward"
    )


@pytest.mark.parametrize(
    ("product", "forward", "backward"),
    [
        (lambda a, v: a @ a.T, 4 * 5 * 4, 2 * 4 * 5 * 4),
        (lambda a, v: a @ v, 4 * 5, 2 * 4 * 5),
        (lambda a, v: v @ v, 5, 10),
        (lambda a, v: a @ tinyact.ones(5, 3), 4 * 5 * 3, 4 * 5 * 3),
        (lambda a, v: a * 2, 20, 20),
        (lambda a, v: a + v, 0, 0),
    ],
)
def test_multiplications(product, forward: int, backward: int) -> None:  # type: ignore[no-untyped-def]
    a, v = tinyact.ones(4, 5, requires_grad=True), tinyact.ones(5, requires_grad=True)
    node = graph(product(a, v)).nodes[0]
    assert node.multiplications == (forward, backward)


def test_the_tree() -> None:
    loss, named = diamond()
    assert str(graph(loss, names=named)) == (
        "#  value       made by      shape  formula\n"
        "1  L           Add          ()     a + b\n"
        "3  ├─ doubled  Mul          ()     a · b\n"
        "4  │  └─ v     Mul          ()     a · b\n"
        "5  │     ├─ w  leaf         ()\n"
        "5  │     └─ w  (see above)  ()\n"
        "2  └─ sine     Sin          ()     sin x\n"
        "4     └─ v     (see above)  ()\n"
        "\n"
        "4 operations, 1 leaf; saved for the derivatives: 8 B; multiplications: 2 forward, 3 backward"
    )


def test_looking_changes_nothing() -> None:
    loss, network, _ = small_network()
    str(graph(loss, network))
    assert all(parameter.grad is None for parameter in network.parameters())
    loss.backward()


def test_inputs_of_many() -> None:
    a = tinyact.ones(2, requires_grad=True)
    g = graph(tinyact.cat([a, a * 2]))
    assert [edge.argument for edge in g.inputs(g.nodes[0])] == ["parts[0]", "parts[1]"]


def test_a_users_function() -> None:
    class Both(tinyact.autograd.Function):
        """x², x³"""

        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(x)
            return x**2, x**3

        @staticmethod
        def backward(ctx, a, b):  # type: ignore[no-untyped-def]
            (x,) = ctx.saved_tensors
            return a * 2 * x + b * 3 * x**2

    square, cube = Both.apply(tinyact.tensor(2.0, requires_grad=True))
    g = graph(square + cube)
    assert [node.operation for node in g.nodes] == ["Add", "Both[1]", "Both[0]", "Both", ""]
    assert g.nodes[3].mathematics.formula == "x², x³"


# --- what has no graph ---------------------------------------------------------------------------------------------


def test_no_tensor() -> None:
    with pytest.raises(TypeError, match=r"graph\(\) takes a tensor, got float"):
        graph(1.0)  # type: ignore[arg-type]


def test_no_module() -> None:
    with pytest.raises(TypeError, match=r"module must be an nn.Module, not int"):
        graph(small_network()[0], 3)  # type: ignore[arg-type]


def test_a_leaf() -> None:
    with pytest.raises(ValueError, match=r"is a leaf: .* Give what was computed from it"):
        graph(tinyact.ones(1, requires_grad=True))


def test_detached() -> None:
    with pytest.raises(ValueError, match=r"is detached from its graph. Give the tensor that detach\(\) was called on"):
        graph(small_network()[0].detach())


def test_integers() -> None:
    with pytest.raises(ValueError, match=r"holds torch\.int64, which has no derivatives"):
        graph(tinyact.tensor(1))


def test_inside_no_grad() -> None:
    with (
        tinyact.no_grad(),
        pytest.raises(ValueError, match=r"recording is off here. Compute it outside of no_grad\(\)"),
    ):
        graph(tinyact.ones(1) * 2)


def test_nothing_that_requires_gradients() -> None:
    with pytest.raises(ValueError, match=r"has no graph: it was computed under .* Set requires_grad=True"):
        graph(tinyact.ones(1) * 2)


def test_freed() -> None:
    loss, network, _ = small_network()
    loss.backward()
    with pytest.raises(ValueError, match=r"graph\(\): this graph was freed.*retain_graph=True"):
        graph(loss, network)


def test_retained_is_not_freed() -> None:
    loss, _, _ = small_network()
    loss.backward(retain_graph=True)
    assert graph(loss).counts.operations == 5


# --- by module -----------------------------------------------------------------------------------------------------


def test_grouped_by_module() -> None:
    loss, network, named = small_network()
    g = graph(loss, network, named).grouped()
    assert [(node.name, node.operation) for node in g.nodes] == [("fc2", "3 operations"), ("fc1", "2 operations")]
    assert [(edge.source, edge.target) for edge in g.edges] == [(2, 1)]
    assert g.nodes[0].multiplications == (6, 12)


def test_as_deep_as_is_clear() -> None:
    class Block(tinyact.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = tinyact.nn.Sequential(*[tinyact.nn.Linear(2, 2) for _ in range(20)])

        def forward(self, x):  # type: ignore[no-untyped-def]
            return x + self.layers(x)

    network = tinyact.nn.Sequential(Block(), Block(), Block())
    g = graph(network(tinyact.ones(1, 2)).sum(), network)
    assert [node.name for node in g.grouped().nodes] == ["2.layers", "1.layers", "0.layers"]
    assert [node.name for node in g.grouped(1).nodes] == ["2", "1", "0"]
    assert len(g.grouped(3).nodes) == 60


def test_a_module_used_again_is_another_group() -> None:
    first, second = tinyact.nn.Linear(2, 2), tinyact.nn.Linear(2, 2)
    network = tinyact.nn.Sequential(first, second)
    y = first(second(first(tinyact.ones(1, 2))))
    g = graph(y.sum(), network).grouped()
    assert [node.name for node in g.nodes] == ["0 (2)", "1", "0"]
    # The shared weight goes in at its first use, and from there into the second.
    assert [(edge.source, edge.target) for edge in g.edges] == [(2, 1), (3, 1), (3, 2)]


def test_neighbours_together_where_modules_are_too_many() -> None:
    loss, network = deep()
    g = graph(loss, network)
    assert len(g.nodes) == 1602
    assert [node.name for node in g.grouped().nodes][::49] == ["392 … 399", "0 … 7"]
    assert str(g).endswith("shown by module")


def test_grouping_needs_the_module() -> None:
    loss, _ = deep()
    with pytest.raises(ValueError, match=r"these 1,602 nodes can't be grouped.* graph\(loss, network\)"):
        graph(loss).grouped()
    assert str(graph(loss)).endswith("the first 150 of 1,602 nodes")
