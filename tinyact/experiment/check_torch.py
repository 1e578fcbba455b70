"""The same trainings in PyTorch, from the same initial weights, and how far the two come apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import tinyact
from tinyact.experiment.configuration import Configuration
from tinyact.experiment.data import load
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


def check(c: Configuration) -> Agreement:
    """Train in both frameworks from the weights that tinyact draws for this seed.

    Raises:
        ImportError: if PyTorch is not installed.
    """
    import torch

    tinyact.manual_seed(c.seed)
    ours = build(tinyact, c.activation, c.hidden)
    torch.manual_seed(c.seed)  # so that activations that draw numbers draw the same
    theirs = build(torch, c.activation, c.hidden)
    theirs.load_state_dict({name: torch.from_numpy(t.numpy().copy()) for name, t in ours.state_dict().items()})
    records: list[list[Any]] = [[], []]
    a, b = (
        train(framework, network, load(c.data, framework, c.vary, c.seed), Run(c), _recorder(record))
        for record, framework, network in zip(records, (tinyact, torch), (ours, theirs), strict=True)
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
