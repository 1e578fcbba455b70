"""The loader: batches of a dataset's samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic

from tinyact import random
from tinyact.utils.data.collate import default_collate, default_convert
from tinyact.utils.data.dataset import Dataset, IterableDataset, Sample, length, samples
from tinyact.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, start_of_another


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
        start_of_another(self.generator)  # PyTorch's for its other processes: what is drawn later must be the same
        if isinstance(self.dataset, IterableDataset):
            samples: Any = iter(self.dataset)
            if self.batch_size is not None:
                samples = iter(BatchSampler(samples, self.batch_size, self.drop_last))
            return map(self.collate_fn, samples)
        return map(self._batch, order)

    def _batch(self, index: Any) -> Any:
        sample: Any = self.dataset[index] if self.batch_sampler is None else samples(self.dataset, index)
        return self.collate_fn(sample)

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return length(self.sampler if self.batch_sampler is None else self.batch_sampler)
        count = length(self.dataset)
        return count if self.batch_size is None else len(BatchSampler(range(count), self.batch_size, self.drop_last))


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
