"""Samples made a batch."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from tinyact.creation import as_tensor, tensor
from tinyact.dtype import float64
from tinyact.functions.shape import stack
from tinyact.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples as a batch: tensors are stacked, numbers become a tensor, strings stay as they are.

    Args:
        batch: samples of one kind: tensors, arrays, numbers, strings, or dictionaries, tuples and lists of these,
            which become one dictionary, list … of batches.

    Raises:
        TypeError: if they hold anything else.
        RuntimeError: if the sizes of tensors or lists differ.

    Example:
        >>> from tinyact.utils.data import default_collate
        >>> default_collate([{"x": 1, "name": "a"}, {"x": 2, "name": "b"}])
        {'x': tensor([1, 2]), 'name': ['a', 'b']}
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch))
    if isinstance(first, np.ndarray):
        if first.dtype.kind in "SUO":
            raise _not_collated(first.dtype)
        return default_collate([as_tensor(array) for array in batch])
    if isinstance(first, (np.bool_, np.number, np.object_)):
        return as_tensor(batch)
    if isinstance(first, (float, int)):
        return tensor(batch, dtype=float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _mapping_like(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        if not hasattr(first, "_fields") and any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return _sequence_like(first, [default_collate(samples) for samples in zip(*batch)])
    raise _not_collated(type(first))


def default_convert(data: Any) -> Any:
    """A sample with tensors in place of its arrays: what a `DataLoader` without batches makes of it.

    Example:
        >>> import numpy as np
        >>> from tinyact.utils.data import default_convert
        >>> default_convert({"x": np.arange(2), "y": 1})
        {'x': tensor([0, 1]), 'y': 1}
    """
    if isinstance(data, (str, bytes, Tensor)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping_like(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, Sequence):
        return _sequence_like(data, [default_convert(value) for value in data])
    return data


def _not_collated(kind: Any) -> TypeError:
    return TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}"
    )


def _mapping_like(like: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """The items in a mapping of the same kind, or in a dict where that can't be made."""
    try:
        if not isinstance(like, MutableMapping):
            return type(like)(items)  # type: ignore[call-arg]
        clone: Any = copy.copy(like)  # it may hold more than its items
        clone.update(items)
        return clone
    except TypeError:
        return items


def _sequence_like(like: Sequence[Any], items: list[Any]) -> Any:
    """The items in a sequence of the same kind, or in a list where that can't be made; a plain tuple becomes a list."""
    if isinstance(like, tuple):
        return type(like)(*items) if hasattr(like, "_fields") else items
    try:
        if not isinstance(like, MutableSequence):
            return type(like)(items)  # type: ignore[call-arg]
        clone: Any = copy.copy(like)
        for place, item in enumerate(items):
            clone[place] = item
        return clone
    except TypeError:
        return items
