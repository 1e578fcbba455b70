"""Datasets, and batches of them in PyTorch's order for the same seed."""

from __future__ import annotations

import copy
import itertools
import math
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from tinyact import random
from tinyact.creation import as_tensor, randint, randperm, tensor
from tinyact.dtype import float64
from tinyact.functions.shape import stack
from tinyact.tensor import Tensor

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset", "RandomSampler",
    "Sampler", "SequentialSampler", "Subset", "SubsetRandomSampler", "TensorDataset", "default_collate",
    "default_convert", "random_split",
]  # fmt: skip

Sample = TypeVar("Sample", covariant=True)


# --- datasets ------------------------------------------------------------------------------------------------------


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
        self.cumulative_sizes = list(itertools.accumulate(map(_length, self.datasets)))

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
        return sum(_length(self._checked(dataset)) for dataset in self.datasets)

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
        return _samples(self.dataset, [self.indices[i] for i in indices])

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
    size = _length(dataset)
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


def _length(dataset: Any) -> int:
    return len(dataset)


def _samples(dataset: Any, indices: list[Any]) -> list[Any]:
    """Those of a batch, which some datasets know how to give at once."""
    if getattr(dataset, "__getitems__", None):
        return dataset.__getitems__(indices)
    return [dataset[index] for index in indices]


# --- their order ---------------------------------------------------------------------------------------------------


class Sampler(Generic[Sample]):
    """Which samples come when: a subclass has an ``__iter__`` over indices, or over lists of them."""

    def __iter__(self) -> Iterator[Sample]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """0, 1, 2, …

    Args:
        data_source: the dataset.
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """The indices in random order, a new one each time.

    Args:
        data_source: the dataset.
        replacement: whether each index is drawn from all of them; otherwise none comes twice before all have come.
        num_samples: how many to draw, by default as many as there are.
        generator: where they come from; by default one that is seeded from the one that `manual_seed` seeds.

    Raises:
        TypeError: if replacement is no bool.
        ValueError: if there is nothing to draw.

    Example:
        >>> import tinyact
        >>> from tinyact.utils.data import RandomSampler
        >>> list(RandomSampler("abcd", generator=tinyact.Generator().manual_seed(0)))
        [0, 1, 3, 2]
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: random.Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        """How many are drawn: the dataset's length, which may change, unless a number was asked for."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        generator = random.Generator().manual_seed(_seed(None)) if self.generator is None else self.generator
        # Drawn in portions, each when it is needed, as others may draw from the generator in between.
        portion = 32 if self.replacement else n
        whole, rest = divmod(self.num_samples, portion)
        for _ in range(whole):
            yield from self._drawn(n, portion, generator)
        yield from self._drawn(n, rest, generator)

    def _drawn(self, n: int, count: int, generator: random.Generator) -> list[int]:
        if self.replacement:
            return randint(n, (count,), generator=generator).tolist()
        return randperm(n, generator=generator).tolist()[:count]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """These indices in random order.

    Args:
        indices: the indices.
        generator: where the order comes from; by default the one that `manual_seed` seeds.
    """

    def __init__(self, indices: Sequence[int], generator: random.Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for place in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[place]

    def __len__(self) -> int:
        return len(self.indices)


class BatchSampler(Sampler["list[int]"]):
    """Lists of what another sampler gives.

    Args:
        sampler: the other one, or anything to iterate over.
        batch_size: how long the lists are.
        drop_last: whether to leave out a last list that is shorter.

    Raises:
        ValueError: if the size is no positive integer, or drop_last no bool.

    Example:
        >>> from tinyact.utils.data import BatchSampler
        >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        n: int = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def _seed(generator: random.Generator | None) -> int:
    """A number for another generator to start from, as PyTorch draws it."""
    return int((generator or random.default_generator).integers(0, 2**63, ()))


# --- batches -------------------------------------------------------------------------------------------------------


class DataLoader(Generic[Sample]):
    """Batches of a dataset, to be iterated over once for each epoch.

    Everything happens in this process. What would only matter with others, or with another device, is accepted and
    has no effect.

    Args:
        dataset: a `Dataset`, or anything with ``__getitem__`` and ``__len__``; or an `IterableDataset`.
        batch_size: how many samples a batch has; with None they come one by one, as they are.
        shuffle: whether each epoch has an order of its own: PyTorch's for the same seed.
        sampler: which samples come when, in place of ``shuffle``.
        batch_sampler: which samples make up which batch, in place of the four others.
        num_workers: 0.
        collate_fn: makes a batch of a list of samples, by default `default_collate`.
        drop_last: whether to leave out a last batch that is smaller.
        generator: where the order comes from; by default one that is seeded from the one that `manual_seed` seeds.
        pin_memory, timeout, worker_init_fn, multiprocessing_context, prefetch_factor, persistent_workers,
            pin_memory_device, in_order: for other processes and devices.

    Raises:
        ValueError: if arguments exclude each other.
        NotImplementedError: for ``num_workers`` above 0.

    Example:
        >>> import tinyact
        >>> from tinyact.utils.data import DataLoader, TensorDataset
        >>> _ = tinyact.manual_seed(0)
        >>> dataset = TensorDataset(tinyact.arange(5), tinyact.arange(5) ** 2)
        >>> for x, y in DataLoader(dataset, batch_size=2, shuffle=True):
        ...     print(x, y)
        tensor([1, 4]) tensor([ 1, 16])
        tensor([2, 3]) tensor([4, 9])
        tensor([0]) tensor([0])
    """

    def __init__(
        self,
        dataset: Dataset[Sample],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: random.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_one_process(num_workers, timeout, multiprocessing_context, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self._check_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None and not isinstance(dataset, IterableDataset):
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(() if sampler is None else sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._is_complete = True

    def _check_order(self, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool) -> None:
        if isinstance(self.dataset, IterableDataset):
            options = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
            for name, option in options.items():
                if option is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={option}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            )
        if batch_sampler is None and batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")

    def __setattr__(self, name: str, value: Any) -> None:
        # The samplers were made from these and wouldn't follow.
        if name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset") and "_is_complete" in vars(self):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        sampler: Any = self.sampler if self.batch_sampler is None else self.batch_sampler
        order = iter(() if sampler is None else sampler)
        _seed(self.generator)  # PyTorch's for its other processes: what is drawn later must be the same
        if isinstance(self.dataset, IterableDataset):
            samples: Any = iter(self.dataset)
            if self.batch_size is not None:
                samples = iter(BatchSampler(samples, self.batch_size, self.drop_last))
            return map(self.collate_fn, samples)
        return map(self._batch, order)

    def _batch(self, index: Any) -> Any:
        sample: Any = self.dataset[index] if self.batch_sampler is None else _samples(self.dataset, index)
        return self.collate_fn(sample)

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return _length(self.sampler if self.batch_sampler is None else self.batch_sampler)
        length = _length(self.dataset)
        return length if self.batch_size is None else len(BatchSampler(range(length), self.batch_size, self.drop_last))


def _check_one_process(workers: int, timeout: float, context: Any, prefetch: int | None, persistent: bool) -> None:
    if workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if workers > 0:
        raise NotImplementedError(f"data is loaded in this process, so num_workers must be 0, but got {workers}")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if prefetch is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing."
            "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if persistent:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if context is not None:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            "num_workers=0"
        )


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
