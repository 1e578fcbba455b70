"""Datasets, samplers, loaders: the same batches in the same order as PyTorch's, and the same stream afterwards."""

from __future__ import annotations

import importlib
from collections import OrderedDict, UserList, deque, namedtuple
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same_error, same_outcome

torch_data = importlib.import_module("torch.utils.data")
Pair = namedtuple("Pair", "x y")


def plain(value: Any) -> Any:
    """The same for both libraries: a tensor as its dtype and numbers, everything else as it is, with its class."""
    if isinstance(value, (tinyact.Tensor, torch.Tensor)):
        return str(value.dtype), value.tolist()
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.tolist()
    if isinstance(value, (dict, MappingProxyType)):
        return type(value), [(key, plain(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple, UserList, deque)):
        return type(value), [plain(item) for item in value]
    return value


def agree(program: Callable[[Any], Any], seed: int = 0) -> None:
    """The same result, and the same next number of the default generator."""
    results = []
    for m in (tinyact, torch):
        m.manual_seed(seed)
        results.append((plain(program(m)), m.rand(1).item()))
    assert results[0] == results[1]


def rows(m: Any, n: int) -> Any:
    return m.utils.data.TensorDataset(m.arange(n * 2).reshape(n, 2).float(), m.arange(n))


# --- order ---------------------------------------------------------------------------------------------------------


@given(
    n=st.integers(1, 70),
    batch_size=st.integers(1, 9) | st.none(),
    shuffle=st.sampled_from([True, False, None]),
    drop_last=st.booleans(),
    own=st.booleans(),
    seed=st.integers(0, 2**40),
)
def test_two_epochs(
    n: int, batch_size: int | None, shuffle: bool | None, drop_last: bool, own: bool, seed: int
) -> None:
    def program(m: Any) -> Any:
        generator = m.Generator().manual_seed(seed + 1) if own else None
        loader = m.utils.data.DataLoader(
            rows(m, n), batch_size, shuffle, drop_last=drop_last and batch_size is not None, generator=generator
        )
        batches = [list(loader), list(loader)]
        rest = m.rand(1, generator=generator)
        return batches, len(loader), rest, loader.batch_size, loader.drop_last

    agree(program, seed)


def test_numbers_drawn_between_the_batches() -> None:
    def program(m: Any) -> Any:
        generator = m.Generator().manual_seed(3)
        shuffled = m.utils.data.DataLoader(rows(m, 5), 2, shuffle=True)
        own = m.utils.data.DataLoader(rows(m, 40), 20, True, generator=generator)
        return [
            [(batch, m.rand(1)) for batch in shuffled],
            [(batch, m.rand(1, generator=generator)) for batch in own],
        ]

    agree(program)


def test_an_epoch_begins_where_it_is_asked_for() -> None:
    def program(m: Any) -> Any:
        iterator = iter(m.utils.data.DataLoader(rows(m, 5), 2, shuffle=True))
        return m.rand(1), next(iterator), m.rand(1), next(iterator)

    agree(program)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("num_samples", [None, 1, 3, 32, 33, 70])
@pytest.mark.parametrize("own", [True, False])
def test_random_sampler(replacement: bool, num_samples: int | None, own: bool) -> None:
    def program(m: Any) -> Any:
        generator = m.Generator().manual_seed(5) if own else None
        sampler = m.utils.data.RandomSampler(range(7), replacement, num_samples, generator)
        first = [(i, m.rand(1, generator=generator)) for i in sampler]
        return first, list(sampler), len(sampler), sampler.num_samples

    agree(program)


def test_other_samplers() -> None:
    def program(m: Any) -> Any:
        d = m.utils.data
        subset = d.SubsetRandomSampler([5, 6, 9])
        batches = d.BatchSampler(subset, 2, False)
        return list(subset), len(subset), list(batches), len(batches), list(d.SequentialSampler("abc"))

    agree(program)


def test_samplers_of_the_users() -> None:
    class Drawn:
        def __init__(self, m: Any) -> None:
            self.m = m

        def __iter__(self) -> Iterator[int]:
            return iter(self.m.randperm(6).tolist())  # drawn before the loader draws

        def __len__(self) -> int:
            return 6

    def program(m: Any) -> Any:
        d = m.utils.data
        by_sampler = d.DataLoader(rows(m, 6), 4, sampler=Drawn(m))
        by_batches = d.DataLoader(rows(m, 6), batch_sampler=d.BatchSampler(Drawn(m), 4, True))
        one_by_one = d.DataLoader(rows(m, 6), None, sampler=Drawn(m))
        loaders = by_sampler, by_batches, one_by_one, d.DataLoader(rows(m, 6), batch_sampler=[[0, 5], [2]])
        return [(list(loader), len(loader), loader.batch_size) for loader in loaders]

    agree(program)


@given(
    n=st.integers(1, 40),
    parts=st.lists(st.integers(0, 10), min_size=1, max_size=4),
    seed=st.integers(0, 2**63 - 1),
)
@pytest.mark.filterwarnings("ignore:Length of split")
def test_random_split(n: int, parts: list[int], seed: int) -> None:
    def program(m: Any) -> Any:
        d = m.utils.data
        shares = [part / (sum(parts) or 1) for part in parts]
        lengths = [*parts, n]
        splits = [d.random_split(range(n + sum(parts)), lengths)]
        splits += [d.random_split(range(sum(lengths)), lengths, generator=m.Generator().manual_seed(seed))]
        try:
            splits += [d.random_split(range(n), shares), d.random_split(range(n), lengths=shares[::-1])]
        except ValueError:  # shares that don't quite add up to 1
            splits.append([])
        return [[list(part.indices) for part in split] for split in splits]

    agree(program, seed)


def test_shares_that_are_empty_warn() -> None:
    for d in (tinyact.utils.data, torch_data):
        with pytest.warns(UserWarning, match="Length of split at index 1 is 0. This might result in an empty dataset"):
            assert [len(part) for part in d.random_split(range(3), [0.9, 0.1])] == [3, 0]


# --- datasets ------------------------------------------------------------------------------------------------------


def test_datasets() -> None:
    def program(m: Any) -> Any:
        d = m.utils.data
        data = rows(m, 4)
        both = data + rows(m, 2) + d.Subset(data, [3, 1])
        subset = d.Subset(data, [2, 0, 3])
        inner = d.Subset(subset, [1, 1])
        return [
            *(data[i] for i in (0, -1, slice(1, 3), [0, 2])),
            *(both[i] for i in range(-8, 8)),
            *(len(each) for each in (data, both, subset, inner)),
            *(subset[i] for i in (1, -1, [0, 2])),
            inner.__getitems__([0, 1]),
            list(d.DataLoader(both, 3, True)),
            list(d.DataLoader(inner, 2)),
        ]

    agree(program)


def stream(m: Any, n: int, with_length: bool = False) -> Any:
    class Stream(m.utils.data.IterableDataset):  # type: ignore[misc]
        def __iter__(self) -> Iterator[Any]:
            return ((i, m.rand(1)) for i in range(n))

    class WithLength(Stream):
        def __len__(self) -> int:
            return n

    return WithLength() if with_length else Stream()


@pytest.mark.parametrize("options", [{}, {"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}])
def test_iterable_datasets(options: Any) -> None:
    def program(m: Any) -> Any:
        d = m.utils.data
        loader = d.DataLoader(stream(m, 5, with_length=True), shuffle=False, **options)
        chain = d.DataLoader(stream(m, 2, True) + stream(m, 3, True), **options)
        return list(loader), len(loader), list(chain), len(chain), list(d.DataLoader(stream(m, 0), **options))

    agree(program)


def test_datasets_that_are_drawn_when_asked_to_iterate() -> None:
    def program(m: Any) -> Any:
        class Drawn(m.utils.data.IterableDataset):  # type: ignore[misc]
            def __iter__(self) -> Iterator[Any]:
                return iter(m.rand(3))

        return list(m.utils.data.DataLoader(Drawn()))

    agree(program)


def test_generic() -> None:
    class Words(tinyact.utils.data.Dataset[str]):
        def __getitem__(self, index: int) -> str:
            return "ab"[index]

        def __len__(self) -> int:
            return 2

    assert list(tinyact.utils.data.DataLoader(Words(), 2)) == [["a", "b"]]


def test_an_error_in_a_sample_leaves_the_rest() -> None:
    class Gap:
        def __getitem__(self, index: int) -> int:
            if index == 1:
                raise LookupError("no sample 1")
            return index

        def __len__(self) -> int:
            return 3

    def program(m: Any) -> Any:
        batches = iter(m.utils.data.DataLoader(Gap()))
        first = next(batches)
        with pytest.raises(LookupError, match="no sample 1"):
            next(batches)
        return first, list(batches)

    agree(program)


# --- batches -------------------------------------------------------------------------------------------------------

SAMPLES: dict[str, Any] = {
    "floats": [1.5, 2.0],
    "ints": [1, 2],
    "bools": [True, False],
    "an int, then a float": [1, 2.5],
    "strings": ["a", "b"],
    "bytes": [b"a", b"b"],
    "arrays": [np.arange(3.0), np.ones(3)],
    "arrays of ints": [np.arange(3), np.ones(3, int)],
    "arrays without dimensions": [np.array(1.5), np.array(2.5)],
    "float64": [np.float64(1.5), np.float64(2.5)],
    "float32": [np.float32(1.5), np.float32(2.5)],
    "int32": [np.int32(1), np.int32(2)],
    "bool_": [np.bool_(True), np.bool_(False)],
    "tuples": [(1, "a"), (2, "b")],
    "lists": [[1, 2.5], [3, 4.5]],
    "empty tuples": [(), ()],
    "named tuples": [Pair(1, 2.0), Pair(3, 4.0)],
    "dicts": [{"x": 1, "y": [1.0]}, {"y": [2.0], "x": 2}],
    "ordered dicts": [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    "proxies": [MappingProxyType({"x": 1}), MappingProxyType({"x": 2})],
    "ranges": [range(2), range(2, 4)],
    "user lists": [UserList([1, 2]), UserList([3, 4])],
    "deques": [deque([1]), deque([2])],
    "nested": [({"x": (1, [2.0])}, "a"), ({"x": (3, [4.0])}, "b")],
    "different lengths": [[1], [1, 2]],
    "different shapes": [np.ones(2), np.ones(3)],
    "different keys": [{"x": 1}, {"y": 1}],
    "None": [None, None],
    "sets": [{1}, {2}],
    "objects": [object(), object()],
    "arrays of strings": [np.array(["a"]), np.array(["b"])],
    "arrays of objects": [np.array([None]), np.array([None])],
    "nothing": [],
}


@pytest.mark.parametrize("batch", SAMPLES.values(), ids=SAMPLES)
def test_collate_and_convert(batch: Any) -> None:
    def outcome(function: Callable[[Any], Any]) -> Any:
        try:
            return plain(function(batch))
        except Exception as error:  # the type is what is compared
            return type(error)

    for name in ("default_collate", "default_convert"):
        ours, theirs = (outcome(getattr(m.utils.data, name)) for m in (tinyact, torch))
        assert ours == theirs
    if isinstance(batch[0] if batch else None, (dict, list, tuple)):
        agree(lambda m: m.utils.data.default_convert(batch[0]))


def test_convert() -> None:
    sample = {"x": np.arange(2), "y": (1, np.float32(2)), "z": "a", "of": Pair(np.ones(1), None), "s": np.array(["a"])}
    agree(lambda m: m.utils.data.default_convert(sample))


def test_gradients_go_through_a_batch() -> None:
    for m in (tinyact, torch):
        x = m.ones(3, requires_grad=True)
        (2 * m.utils.data.default_collate([x, x])).sum().backward()
        assert x.grad.tolist() == [4.0, 4.0, 4.0]


def test_collate_of_the_user() -> None:
    def program(m: Any) -> Any:
        loader = m.utils.data.DataLoader(range(5), 2, True, collate_fn=lambda batch: {"batch": batch})
        alone = m.utils.data.DataLoader(range(3), None, collate_fn=str)
        return list(loader), list(alone)

    agree(program)


# --- errors --------------------------------------------------------------------------------------------------------

WRONG: dict[str, Callable[[Any, Any], Any]] = {
    "lengths": lambda m, d: d.TensorDataset(m.ones(2), m.ones(3)),
    "no tensors, no length": lambda m, d: len(d.TensorDataset()),
    "batch_size 0": lambda m, d: d.DataLoader(range(3), 0),
    "batch_size True": lambda m, d: d.DataLoader(range(3), True),
    "batch_size 1.5": lambda m, d: d.DataLoader(range(3), 1.5),
    "drop_last 1": lambda m, d: d.DataLoader(range(3), 2, drop_last=1),
    "no samples, shuffled": lambda m, d: d.DataLoader([], shuffle=True),
    "sampler and shuffle": lambda m, d: d.DataLoader(range(3), sampler=[1], shuffle=True),
    "batch_sampler and batch_size": lambda m, d: d.DataLoader(range(3), 2, batch_sampler=[[1]]),
    "batch_sampler and drop_last": lambda m, d: d.DataLoader(range(3), batch_sampler=[[1]], drop_last=True),
    "no batches, and the last": lambda m, d: d.DataLoader(range(3), None, drop_last=True),
    "stream and shuffle": lambda m, d: d.DataLoader(stream(m, 3), shuffle=True),
    "stream and sampler": lambda m, d: d.DataLoader(stream(m, 3), sampler=[1]),
    "stream and batch_sampler": lambda m, d: d.DataLoader(stream(m, 3), batch_sampler=[[1]]),
    "length of a stream": lambda m, d: len(d.DataLoader(stream(m, 3))),
    "num_workers −1": lambda m, d: d.DataLoader(range(3), num_workers=-1),
    "timeout": lambda m, d: d.DataLoader(range(3), timeout=-1),
    "prefetch_factor": lambda m, d: d.DataLoader(range(3), prefetch_factor=2),
    "persistent_workers": lambda m, d: d.DataLoader(range(3), persistent_workers=True),
    "multiprocessing_context": lambda m, d: d.DataLoader(range(3), multiprocessing_context="fork"),
    "set batch_size": lambda m, d: setattr(d.DataLoader(range(3)), "batch_size", 2),
    "set dataset": lambda m, d: setattr(d.DataLoader(range(3)), "dataset", range(4)),
    "split too long": lambda m, d: d.random_split(range(3), [1, 3]),
    "split by shares above 1": lambda m, d: d.random_split(range(3), [-0.5, 1.5]),
    "split by shares below 1": lambda m, d: d.random_split(range(3), [0.5, 0.25]),
    "split by floats": lambda m, d: d.random_split(range(3), [1.0, 2.0]),
    "replacement": lambda m, d: d.RandomSampler(range(3), replacement=1),
    "num_samples": lambda m, d: d.RandomSampler(range(3), num_samples=0),
    "num_samples 1.5": lambda m, d: d.RandomSampler(range(3), num_samples=1.5),
    "no datasets": lambda m, d: d.ConcatDataset([]),
    "streams joined as datasets": lambda m, d: d.ConcatDataset([stream(m, 3)]),
    "datasets joined as streams": lambda m, d: list(d.ChainDataset([rows(m, 3)])),
    "index too high": lambda m, d: d.ConcatDataset([rows(m, 2)])[2],
    "index too low": lambda m, d: d.ConcatDataset([rows(m, 2)])[-3],
    "no __getitem__": lambda m, d: d.Dataset()[0],
    "no __len__": lambda m, d: len(d.Dataset()),
    "no __getitems__": lambda m, d: type("Own", (d.Subset,), {"__getitem__": lambda self, i: i})(range(3), [1]),
}
OTHER_WORDS = {
    "no tensors, no length", "index too high", "no __len__", "no __getitems__",
    "batch_sampler and batch_size", "stream and sampler", "length of a stream", "split by floats",
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_errors(name: str) -> None:
    same_error(lambda m: WRONG[name](m, m.utils.data), words=name not in OTHER_WORDS)


def test_other_processes_are_refused_in_words() -> None:
    with pytest.raises(NotImplementedError, match="num_workers must be 0, but got 2"):
        tinyact.utils.data.DataLoader(range(3), num_workers=2)  # type: ignore[arg-type]


def test_what_has_no_effect_is_accepted() -> None:
    loader = tinyact.utils.data.DataLoader(
        tinyact.utils.data.TensorDataset(tinyact.arange(2)), pin_memory=True, worker_init_fn=print, in_order=False
    )
    assert [batch[0].tolist() for batch in loader] == [[0], [1]]


def test_attributes_of_ones_own() -> None:
    same_outcome(lambda m: setattr(m.utils.data.DataLoader(range(3)), "note", 1))


def test_the_same_public_names() -> None:
    for name in tinyact.utils.data.__all__:
        assert hasattr(torch_data, name)
