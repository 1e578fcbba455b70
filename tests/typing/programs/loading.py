"""Batches of a dataset, a file in between, and a table of the network."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from typing_extensions import assert_type

import tinyact
from tinyact import Tensor, nn
from tinyact.inspect import Summary
from tinyact.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset, random_split


class Words(Dataset[str]):
    def __getitem__(self, index: int) -> str:
        return "abc"[index]

    def __len__(self) -> int:
        return 3


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(3))


assert_type(Words()[0], str)
assert list(DataLoader(Words(), batch_size=3)) == [["a", "b", "c"]]
assert len(list(DataLoader(Stream(), batch_size=2))) == 2

dataset = TensorDataset(tinyact.rand(10, 2), tinyact.rand(10, 1))
assert_type(dataset[0], tuple[Tensor, ...])
train, test = random_split(dataset, [0.8, 0.2], generator=tinyact.Generator().manual_seed(0))
assert_type(train, Subset[tuple[Tensor, ...]])

model = nn.Linear(2, 1)
for inputs, targets in DataLoader(train, 4, shuffle=True, drop_last=True):
    nn.functional.mse_loss(model(inputs), targets).backward()

path = Path(mkdtemp(), "model.npz")
tinyact.save({"model": model.state_dict(), "epoch": 1}, path)
model.load_state_dict(tinyact.load(path)["model"])
assert_type(tinyact.inspect.summary(model, (4, 2), verbose=0), Summary)
