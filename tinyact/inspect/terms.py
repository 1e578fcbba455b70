"""An entry of a matrix product, term by term: the products that it is the sum of, the largest first."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import numpy as np

from tinyact.functions.linear import Linear, Matmul
from tinyact.inspect.trace import Sent, Step

# Of each sum so many products are shown.
SHOWN = 4
# A page holds the sums of all entries up to so many; of a larger matrix those of its largest entries and of its corner.
ALL, LARGEST, CORNER = 2000, 100, (5, 4)


class Product(NamedTuple):
    """A matrix product left · right, and how an entry of each factor is called: R and C stand for row and column."""

    left: Any
    right: Any
    left_name: str
    right_name: str


def product(step: Step, sent: Sent, inputs: dict[str, tuple[str, Any]]) -> Product | None:
    """The matrix product that a rule was, or None for other rules.

    Args:
        step: the step, whose gradient is one of the factors.
        sent: what the rule made of it.
        inputs: by the operation's argument the value's name and the value.
    """
    g, operation = step.gradient, step.node.recorded
    name, other = inputs.get(_OTHER.get((type(operation), sent.argument), ""), ("", None))
    if step.node.kind != "operation" or other is None or {g.ndim, other.ndim, sent.array.ndim} != {2}:
        return None
    if sent.array.shape != sent.returned.shape:
        return None  # a sum over what was broadcast came after the product
    if isinstance(operation, Linear):
        if sent.argument == "weight":
            return Product(g.T, other, "g[i, R]", f"{name}[i, C]")
        return Product(g, other, "g[R, i]", f"{name}[i, C]")
    if sent.argument == "a":
        return Product(g, other.T, "g[R, i]", f"{name}[C, i]")
    return Product(other.T, g, f"{name}[i, R]", "g[i, C]")


# Per operation and argument the argument that is the other factor.
_OTHER = {(Linear, "weight"): "x", (Linear, "x"): "weight", (Matmul, "a"): "b", (Matmul, "b"): "a"}


def terms(of: Product, result: Any) -> dict[str, Any]:
    """What the page needs to show any entry's sum: arrays as text, an entry after the other.

    Args:
        of: the product.
        result: what the engine computed for it.
    """
    places = _places(result)
    rows, columns = places.T
    lefts, rights = of.left[rows], of.right.T[columns]
    with np.errstate(all="ignore"):
        products = lefts.astype(np.float64) * rights
        largest = _largest(products)
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
        "names": [of.left_name, of.right_name],
        "shape": list(result.shape),
        # None where they are all there, in order.
        "places": None if len(places) == result.size else (rows * result.shape[1] + columns).tolist(),
        "start": places[np.argmax(np.nan_to_num(np.abs(arrays["total"])))].tolist(),
        "wide": result.dtype == np.float64,
        "arrays": {name: _text(array) for name, array in arrays.items()},
    }


def _largest(products: Any) -> Any:
    """In each row where the largest are, the largest first; NaN counts as large."""
    size = np.nan_to_num(np.abs(products), nan=np.inf)
    some = np.argpartition(-size, min(SHOWN, size.shape[1]) - 1, 1)[:, :SHOWN]
    order = np.argsort(-np.take_along_axis(size, some, 1), 1, kind="stable")
    return np.take_along_axis(some, order, 1)


def _places(result: Any) -> Any:
    """Row and column of each entry whose sum the page holds."""
    if result.size <= ALL:
        return np.argwhere(np.ones(result.shape, bool))
    chosen = np.zeros(result.shape, bool)
    chosen[: CORNER[0], : CORNER[1]] = True
    chosen.reshape(-1)[np.argsort(-np.abs(result), axis=None)[:LARGEST]] = True
    return np.argwhere(chosen)


def _text(array: Any) -> str:
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
