"""An entry of a matrix product, term by term: the products that it is the sum of, the largest first."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tinyact.functions.linear import Linear, Matmul
from tinyact.inspect.steps import Sent, Step, Sweep

# Where a number stands in its array.
Place: TypeAlias = "tuple[int, ...]"


# Of each sum so many products are shown.
SHOWN = 4
# A page holds the sums of all entries up to so many; of a larger matrix those of its largest entries, of its
# corner, and of the entries followed.
ALL, LARGEST, CORNER = 2000, 100, (5, 4)


class Factor(NamedTuple):
    """A matrix that is a factor of a product.

    Attributes:
        node: whose value or gradient it is, by number.
        name: what the page calls it.
        array: its numbers.
        axes: what its rows and columns run over: ``"iC"`` if [i, C] is an entry, where R and C stand for row and column
            of the product, and i for what is summed over.
    """

    node: int
    name: str
    array: Any
    axes: str

    @property
    def by_entry(self) -> Any:
        """The same matrix with i across."""
        return self.array if self.axes[1] == "i" else self.array.T

    def place(self, entry: Place, i: int) -> Place:
        """Where the factor of the i-th term of an entry's sum stands."""
        index = {"R": entry[0], "C": entry[1], "i": i}
        return index[self.axes[0]], index[self.axes[1]]

    def __str__(self) -> str:
        return f"{self.name}[{', '.join(self.axes)}]"


class Product(NamedTuple):
    """A matrix product: [R, C] is the sum over i of the left factor's entry times the right one's."""

    left: Factor
    right: Factor

    def factors(self, rows: Any, columns: Any) -> tuple[Any, Any]:
        """For entries at these rows and columns, a line each: what is multiplied, term by term."""
        return self.left.by_entry[rows], self.right.by_entry[columns]


def product(step: Step, sent: Sent, trace: Sweep) -> Product | None:
    """The matrix product that a rule was, or None for other rules.

    Args:
        step: the step, whose gradient is one of the factors.
        sent: what the rule made of it.
        trace: the trace that they are from, which knows the other factor.
    """
    operation, argument = step.node.recorded, _OTHER.get((type(step.node.recorded), sent.argument))
    sources = [edge.source for edge in trace.graph.inputs(step.node) if edge.argument == argument]
    if step.node.kind != "operation" or not sources or not sent.array.size:
        return None
    node, other = trace.graph.nodes[sources[0] - 1], trace.values[sources[0]].array
    if other is None or {step.gradient.ndim, other.ndim, sent.array.ndim} != {2}:
        return None
    if sent.array.shape != sent.returned.shape:
        return None  # a sum over what was broadcast came after the product

    g = partial(Factor, step.node.number, "g", step.gradient)
    value = partial(Factor, node.number, node.name, other)
    if isinstance(operation, Linear):
        return Product(g("iR"), value("iC")) if sent.argument == "weight" else Product(g("Ri"), value("iC"))
    return Product(g("Ri"), value("Ci")) if sent.argument == "a" else Product(value("iR"), g("iC"))


# Per operation and argument the argument that is the other factor.
_OTHER = {(Linear, "weight"): "x", (Linear, "x"): "weight", (Matmul, "a"): "b", (Matmul, "b"): "a"}


def terms(of: Product, result: Any, followed: Sequence[Place]) -> dict[str, Any]:
    """What the page needs to show any entry's sum: arrays as text, an entry after the other.

    Args:
        of: the product.
        result: what the engine computed for it.
        followed: entries whose sums must be there; the first of them is the one that is shown at first.
    """
    places = _places(result, followed)
    rows, columns = places.T
    lefts, rights = of.factors(rows, columns)
    with np.errstate(all="ignore"):
        products = lefts.astype(np.float64) * rights
        largest = largest_terms(products)
        first = {name: np.take_along_axis(array, largest, 1) for name, array in (("left", lefts), ("right", rights))}
        arrays = {
            "total": result[rows, columns],
            "index": largest.astype(np.uint32),
            **first,
            "rest": (products.sum(1) - np.take_along_axis(products, largest, 1).sum(1)).astype(result.dtype),
            "zeros": (products == 0).sum(1).astype(np.uint32),
        }
    return {
        "count": products.shape[1],
        "shown": largest.shape[1],
        "names": [str(factor) for factor in of],
        "shape": list(result.shape),
        # None where they are all there, in order.
        "places": None if len(places) == result.size else (rows * result.shape[1] + columns).tolist(),
        "start": list(followed[0]),
        "wide": result.dtype == np.float64,
        "arrays": {name: _text(array) for name, array in arrays.items()},
    }


def largest_terms(products: Any) -> Any:
    """In each row where the largest are, the largest first; NaN counts as large."""
    size = np.nan_to_num(np.abs(products), nan=np.inf)
    some = np.argpartition(-size, min(SHOWN, size.shape[1]) - 1, 1)[:, :SHOWN]
    order = np.argsort(-np.take_along_axis(size, some, 1), 1, kind="stable")
    return np.take_along_axis(some, order, 1)


def _places(result: Any, followed: Sequence[Place]) -> Any:
    """Row and column of each entry whose sum the page holds."""
    if result.size <= ALL:
        return np.argwhere(np.ones(result.shape, bool))
    is_held = np.zeros(result.shape, bool)
    is_held[: CORNER[0], : CORNER[1]] = True
    is_held.reshape(-1)[np.argsort(-np.abs(result), axis=None)[:LARGEST]] = True
    is_held[tuple(np.transpose(followed))] = True
    return np.argwhere(is_held)


def _text(array: Any) -> str:
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
