"""Datasets: what has samples by number, or one after the other."""

from __future__ import annotations

import itertools
import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from tinyact import random
from tinyact.creation import randperm
from tinyact.tensor import Tensor

Sample = TypeVar("Sample", covariant=True)


class Dataset(Generic[Sample]):
    """Samples by their index: a subclass has a ``__getitem__``, and a ``__len__`` that most users of it want.

    Where it has a ``__getitems__`` too, this is asked for the samples of a batch, by a list of indices.

    Example:
        >>> from tinyact.utils.data import Dataset
        >>> class Squares(Dataset):
        ...     def __getitem__(self, index):
        ...         return index * index
        ...
        ...     def __len__(self):
        ...         return 3
        >>> (Squares() + Squares())[5]
        4
    """

    def __getitem__(self, index: Any) -> Sample:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Sample]):
    """Samples in the order in which they come: a subclass has an ``__iter__``."""

    def __iter__(self) -> Iterator[Sample]:
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ChainDataset([self, other])


class TensorDataset(Dataset["tuple[Tensor, ...]"]):
    """The rows of tensors: sample i is ``(tensors[0][i], tensors[1][i], …)``.

    Args:
        tensors: of the same length.

    Raises:
        AssertionError: if their lengths differ.

    Example:
        >>> import tinyact
        >>> from tinyact.utils.data import TensorDataset
        >>> TensorDataset(tinyact.eye(2), tinyact.tensor([5, 6]))[1]
        (tensor([0., 1.]), tensor(6))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)


class ConcatDataset(Dataset[Any]):
    """Datasets one after the other.

    Args:
        datasets: at least one, each with a length.

    Raises:
        AssertionError: if there is none, or one has no indices.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(map(length, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> Any:
        if idx < -len(self):
            raise ValueError("absolute value of index should not exceed dataset length")
        idx += len(self) if idx < 0 else 0
        which = bisect_right(self.cumulative_sizes, idx)
        return self.datasets[which][idx - ([0, *self.cumulative_sizes])[which]]


class ChainDataset(IterableDataset[Any]):
    """Iterable datasets one after the other.

    Args:
        datasets: the datasets.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            yield from self._checked(dataset)

    def __len__(self) -> int:
        return sum(length(self._checked(dataset)) for dataset in self.datasets)

    def _checked(self, dataset: Dataset[Any]) -> IterableDataset[Any]:
        if not isinstance(dataset, IterableDataset):
            raise AssertionError("ChainDataset only supports IterableDataset")
        return dataset


class Subset(Dataset[Sample]):
    """Some samples of a dataset.

    Args:
        dataset: the dataset.
        indices: which samples, in which order.

    Raises:
        NotImplementedError: for a subclass with a ``__getitem__`` and no ``__getitems__``, which batches would ask.
    """

    def __init__(self, dataset: Dataset[Sample], indices: Sequence[int]) -> None:
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and kind.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{kind.__name__} overrides __getitem__ but not __getitems__, which DataLoader asks for batches"
            )
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, idx: Any) -> Sample:
        return self.dataset[[self.indices[i] for i in idx] if isinstance(idx, list) else self.indices[idx]]

    def __getitems__(self, indices: list[int]) -> list[Sample]:
        return samples(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Dataset[Sample], lengths: Sequence[int | float], generator: random.Generator | None = None
) -> list[Subset[Sample]]:
    """Parts of a dataset that share no sample, drawn at random.

    Args:
        dataset: what to split.
        lengths: of the parts; or, if they add up to 1, shares of the dataset, where the samples that rounding down
            leaves over go to the first parts, one each.
        generator: where the order comes from; by default the one that `manual_seed` seeds.

    Raises:
        ValueError: if the lengths don't add up to that of the dataset, or a share is negative.

    Example:
        >>> import tinyact
        >>> from tinyact.utils.data import random_split
        >>> _ = tinyact.manual_seed(0)
        >>> [part.indices for part in random_split(range(5), [0.6, 0.4])]
        [[4, 0, 1], [3, 2]]
    """
    size = length(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_of_shares(size, lengths)
    if sum(lengths) != size:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    indices = randperm(sum(lengths), generator=generator).tolist()  # type: ignore[arg-type]
    ends = itertools.accumulate(lengths)
    return [Subset(dataset, indices[end - n : end]) for end, n in zip(ends, lengths)]


def _lengths_of_shares(size: int, shares: Sequence[float]) -> list[int]:
    for i, share in enumerate(shares):
        if not 0 <= share <= 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1")
    lengths = [math.floor(size * share) for share in shares]
    for i in range(size - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=3)
    return lengths


def length(dataset: Any) -> int:
    """How many samples it has, if it says so."""
    return len(dataset)


def samples(dataset: Any, indices: list[Any]) -> list[Any]:
    """Those of a batch, which some datasets know how to give at once."""
    if getattr(dataset, "__getitems__", None):
        return dataset.__getitems__(indices)
    return [dataset[index] for index in indices]
