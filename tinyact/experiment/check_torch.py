"""The same trainings in PyTorch, from the same initial weights, and how far the two come apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import tinyact
from tinyact.experiment.data import Split
from tinyact.experiment.training import Run, build, train


class Agreement(NamedTuple):
    """PyTorch's run, and the largest absolute differences between it and tinyact's over all epochs.

    Attributes:
        run: PyTorch's.
        loss, gradient, prediction: largest differences; those of gradients over every epoch and parameter.
        other_classes: how many test samples the two classify differently.
    """

    run: Run
    loss: float
    gradient: float
    prediction: float
    other_classes: int


def check(
    activation: str, seed: int, data: Split, torch_data: Split, hidden: list[int], epochs: int, lr: float
) -> Agreement:
    """Train in both frameworks from the weights that tinyact draws for this seed.

    Raises:
        ImportError: if PyTorch is not installed.
    """
    import torch

    tinyact.manual_seed(seed)
    ours = build(tinyact, activation, hidden)
    torch.manual_seed(seed)  # so that activations that draw numbers draw the same
    theirs = build(torch, activation, hidden)
    theirs.load_state_dict({name: torch.from_numpy(t.numpy().copy()) for name, t in ours.state_dict().items()})
    records: list[list[Any]] = [[], []]
    a, b = (
        train(framework, network, part, Run(activation, seed), epochs, lr, each_epoch=_recorder(record))
        for record, framework, network, part in zip(
            records, (tinyact, torch), (ours, theirs), (data, torch_data), strict=True
        )
    )
    return Agreement(
        run=b,
        loss=float(np.max(np.abs(np.subtract(a.losses, b.losses)))),
        gradient=max(float(np.max(np.abs(g - h))) for g, h in zip(*records, strict=True)),
        prediction=float(np.max(np.abs(a.predictions - b.predictions))),
        other_classes=int(np.sum((a.predictions > 0.5) != (b.predictions > 0.5))),
    )


def _recorder(record: list[Any]) -> Any:
    """Keeps a copy of every parameter's gradient."""
    return lambda network: record.extend(p.grad.numpy().copy() for p in network.parameters())
