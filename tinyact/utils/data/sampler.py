"""Samplers: the order in which samples are taken, PyTorch's for the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic

from tinyact import random
from tinyact.creation import randint, randperm
from tinyact.utils.data.dataset import Sample


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
        generator = random.Generator().manual_seed(start_of_another(None)) if self.generator is None else self.generator
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


def start_of_another(generator: random.Generator | None) -> int:
    """A number for another generator to start from, as PyTorch draws it."""
    return int((generator or random.default_generator).integers(0, 2**63, ()))
