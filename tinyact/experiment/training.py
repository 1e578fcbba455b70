"""Build a network, train it, test it: written once for tinyact and PyTorch, whichever is handed in as ``framework``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinyact.experiment.data import INPUTS, Split
from tinyact.nn import activations

NONE = "none"
# Activations that can stand between any two layers: the others change the width, or have settings without defaults.
CHOICES = [name for name in activations() if name not in ("glu", "maxout", "threshold")]


@dataclass
class Run:
    """One training: what it started from, the loss at every epoch, and what came out.

    Attributes:
        activation: its name, or ``"none"``.
        seed: of the initial weights.
        losses: the training loss before each epoch's step.
        test_losses: the test loss at the same moments, if asked for.
        accuracy: the share of test samples classified correctly at the end.
        predictions: the network's outputs for the test samples at the end, (n, 1).
    """

    activation: str
    seed: int
    losses: list[float] = field(default_factory=list)
    test_losses: list[float] = field(default_factory=list)
    accuracy: float = float("nan")
    predictions: Any = None


def build(
    framework: Any, activation: str = NONE, hidden: Sequence[int] = (16,), dropout: float = 0.0, inputs: int = INPUTS
) -> Any:
    """The notebook's network: hidden layers, each followed by the activation, and one output with a sigmoid.

    Args:
        framework: ``tinyact`` or ``torch``.
        activation: one of ``CHOICES``, or ``"none"``.
        hidden: the widths of the hidden layers.
        dropout: the share of each hidden layer's outputs that is dropped in training.
        inputs: the number of features.

    Example:
        >>> import tinyact
        >>> build(tinyact, "relu")
        Sequential(
          (0): Linear(in_features=100, out_features=16, bias=True)
          (1): ReLU()
          (2): Linear(in_features=16, out_features=1, bias=True)
          (3): Sigmoid()
        )
    """
    nn = framework.nn
    layers = []
    for width in hidden:
        layers.append(nn.Linear(inputs, width))
        if activation != NONE:
            layers.append(_activation(nn, activation))
        if dropout:
            layers.append(nn.Dropout(dropout))
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 1), nn.Sigmoid())


def _activation(nn: Any, name: str) -> Any:
    # PyTorch has Swish for β = 1 alone, under another name.
    module = getattr(nn, activations()[name].__name__ if hasattr(nn, "Swish") or name != "swish" else "SiLU")
    # Some have to be told along which dimension: that of the units.
    return module(dim=1) if name in ("softmax", "softmin", "log_softmax") else module()


def train(
    framework: Any,
    network: Any,
    data: Split,
    run: Run,
    epochs: int = 100,
    lr: float = 0.001,
    test_every_epoch: bool = False,
    each_epoch: Callable[[Any], None] | None = None,
) -> Run:
    """Full-batch training with binary cross-entropy and Adam, then the test.

    Args:
        framework: ``tinyact`` or ``torch``.
        network: from `build`.
        data: in the framework's tensors.
        run: where losses, predictions and accuracy go.
        epochs: how many steps.
        lr: Adam's learning rate.
        test_every_epoch: whether to compute the test loss before each step too.
        each_epoch: called with the network after each backward pass.

    Returns:
        The run.
    """
    criterion = framework.nn.BCELoss()
    optimizer = framework.optim.Adam(network.parameters(), lr=lr)
    for _ in range(epochs):
        if test_every_epoch:
            run.test_losses.append(criterion(_predict(framework, network, data.test_x), data.test_y).item())
            network.train()
        optimizer.zero_grad()
        loss = criterion(network(data.train_x), data.train_y)
        loss.backward()
        run.losses.append(loss.item())
        if each_epoch is not None:
            each_epoch(network)
        optimizer.step()
    outputs = _predict(framework, network, data.test_x)
    run.predictions = outputs.numpy()
    run.accuracy = ((outputs > 0.5).float() == data.test_y).double().mean().item()
    return run


def _predict(framework: Any, network: Any, inputs: Any) -> Any:
    network.eval()
    with framework.no_grad():
        return network(inputs)
