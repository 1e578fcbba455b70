"""Embedding: a vector for each of many classes, looked up in a table that is learned."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyact.autograd.inplace import change
from tinyact.autograd.modes import no_grad
from tinyact.autograd.operation import Gradient, Operation, array_of, wrap
from tinyact.functions.indexing import Scatter
from tinyact.functions.operand import Tensor, documented, require_tensor
from tinyact.kernels import where

__all__ = ["embedding", "one_hot"]


class Embedding(Operation):
    """y = W[i], the row of the table W for each index i

    ∂L/∂W[r] = Σ ∂L/∂y over the places where i = r, divided by their number if asked for; 0 for the row of the padding

    It is the linear layer y = W·x for the one-hot vector x of each index, without the multiplications by 0.
    """

    may_warn = False

    def __init__(self, padding: int | None, by_frequency: bool) -> None:
        self.padding = padding
        self.by_frequency = by_frequency
        self.sizes: tuple[int, ...] = ()

    def forward(self, weight: Any, index: Any) -> Any:
        self.sizes = weight.shape
        return weight[index]

    def grad_weight(self, grad: Gradient, index: Any) -> Gradient:
        rows = array_of(index)
        if self.padding is not None:
            grad = where((rows != self.padding)[..., None], grad, 0)
        if self.by_frequency:
            grad = grad / np.bincount(rows.reshape(-1), minlength=self.sizes[0])[rows][..., None]
        return Scatter(self.sizes)(grad, index)


@documented(Embedding)
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """
    Args:
        input: i, indices as int64 or int32, of any shape.
        weight: W, shape (rows, width).
        padding_idx: a row that gets no gradient; from the end, if negative.
        max_norm: rows that are looked up and longer than that are shortened to it, in place, before.
        norm_type: p of the norm (Σ |w|ᵖ)^(1/p) that measures their length.
        scale_grad_by_freq: whether gradients are divided by how often their row was looked up.
        sparse: must be False: there are no sparse gradients.

    Returns:
        A tensor (…, width).

    Raises:
        IndexError: for an index that has no row.
        RuntimeError: if the indices are no integers, or the weight is no matrix.
        AssertionError: if there is no such row as the padding's.
        NotImplementedError: for ``sparse=True``.

    Example:
        >>> import tinyact
        >>> table = tinyact.tensor([[0.0, 0.1], [1.0, 1.1]])
        >>> tinyact.nn.functional.embedding(tinyact.tensor([1, 0, 1]), table)
        tensor([[1.0000, 1.1000],
                [0.0000, 0.1000],
                [1.0000, 1.1000]])
    """
    refuse_sparse(sparse)
    index, table = require_tensor(input, "embedding").array, require_tensor(weight, "embedding", "weight").array
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"embedding takes indices of int64 or int32, got {input.dtype}")
    if table.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if index.size and (index.min() < 0 or index.max() >= len(table)):
        raise IndexError("index out of range in self")
    if max_norm is not None:
        _shorten(weight, index, max_norm, norm_type)
    padding = None if padding_idx is None else padding_row(padding_idx, len(table))
    return Embedding(padding, scale_grad_by_freq).apply(weight, input)


def refuse_sparse(sparse: bool) -> None:
    """Raise NotImplementedError for sparse gradients."""
    if sparse:
        raise NotImplementedError(
            "sparse gradients aren't part of tinyact: leave out sparse=True, the numbers are equal"
        )


def padding_row(padding_idx: int, rows: int) -> int:
    """The row, counted from the front.

    Raises:
        AssertionError: if there is none.
    """
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def _shorten(weight: Tensor, index: Any, max_norm: float, norm_type: float) -> None:
    """Scale those rows at the indices that are too long, in place."""
    norms = np.linalg.norm(weight.array, norm_type, 1, keepdims=True)
    too_long = np.isin(np.arange(len(norms)), index)[:, None] & (norms > max_norm)
    scaled = weight.array * (max_norm / (norms + 1e-7))
    with no_grad():
        change(weight, lambda before: wrap(np.where(too_long, scaled, before.array)))


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """1 at the place of each class, 0 at those of the others; int64, no gradient.

    Args:
        input: classes from 0 up, as int64.
        num_classes: how many there are; by default one more than the largest.

    Returns:
        A tensor (…, num_classes).

    Raises:
        RuntimeError: if they are not int64, or there is a class that is negative or too large.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.one_hot(tinyact.tensor([0, 2]))
        tensor([[1, 0, 0],
                [0, 0, 1]])
    """
    classes = require_tensor(input, "one_hot").array
    if classes.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if classes.size == 0 and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if classes.size and classes.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    count = int(classes.max()) + 1 if num_classes == -1 else num_classes
    if classes.size and classes.max() >= count:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap((classes[..., None] == np.arange(count)).astype(np.int64))
