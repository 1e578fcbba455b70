"""Build a network, train it, test it: written once for tinyact and PyTorch, whichever is handed in as ``framework``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinyact.experiment.data import INPUTS, Split
from tinyact.nn import activations

NONE = "none"
# Activations that can stand between any two layers: the others change the width, or have settings without defaults.
CHOICES = [name for name in activations() if name not in ("glu", "maxout", "threshold")]


class Diverged(ArithmeticError):
    """A loss that is no number any more.

    Attributes:
        epoch: at which it was found.
    """

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the loss became NaN or infinite at epoch {epoch}")
        self.epoch = epoch


@dataclass
class Run:
    """One training: what it started from, the loss at every epoch, and what came out.

    Attributes:
        activation: its name, or ``"none"``.
        seed: of the initial weights.
        losses: the training loss before each epoch's step.
        test_losses: the test loss at the same moments, if asked for.
        accuracy: the share of test samples classified correctly at the end.
        train_accuracy: the same of the training samples.
        predictions: the network's outputs for the test samples at the end, (n, 1), or (n, classes).
    """

    activation: str
    seed: int
    losses: list[float] = field(default_factory=list)
    test_losses: list[float] = field(default_factory=list)
    accuracy: float = math.nan
    train_accuracy: float = math.nan
    predictions: Any = None


def build(
    framework: Any,
    activation: str = NONE,
    hidden: Sequence[int] = (16,),
    dropout: float = 0.0,
    inputs: int = INPUTS,
    classes: int = 2,
) -> Any:
    """The notebook's network: hidden layers, each followed by the activation, and one output with a sigmoid.

    For more than two classes there is an output for each, and no sigmoid: the loss is cross-entropy of the logits.

    Args:
        framework: ``tinyact`` or ``torch``.
        activation: one of ``CHOICES``, or ``"none"``.
        hidden: the widths of the hidden layers.
        dropout: the share of each hidden layer's outputs that is dropped in training.
        inputs: the number of features.
        classes: their number.

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
    if classes > 2:
        return nn.Sequential(*layers, nn.Linear(inputs, classes))
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
    batch: int | None = None,
) -> Run:
    """Training with (binary) cross-entropy and Adam, then the test.

    Args:
        framework: ``tinyact`` or ``torch``.
        network: from `build`.
        data: in the framework's tensors.
        run: where losses, predictions and accuracies go; its seed decides the order of the samples in batches.
        epochs: how often the training samples are gone through.
        lr: Adam's learning rate.
        test_every_epoch: whether to compute the test loss before each epoch too.
        each_epoch: called with the network after each epoch's last backward pass.
        batch: samples per step; None takes all at once, in their order.

    Returns:
        The run.

    Raises:
        Diverged: if the loss is no number any more.
    """
    criterion = framework.nn.BCELoss() if data.classes == 2 else framework.nn.CrossEntropyLoss()
    optimizer = framework.optim.Adam(network.parameters(), lr=lr)
    order = framework.Generator()
    order.manual_seed(run.seed)
    for epoch in range(epochs):
        if test_every_epoch:
            outputs = _predict(framework, network, data.test_x)
            run.test_losses.append(_loss(criterion, outputs, data.test_y, epoch).item())
            network.train()
        losses, sizes = [], []
        for last, (x, y) in _batches(framework, data, batch, order):
            optimizer.zero_grad()
            loss = _loss(criterion, network(x), y, epoch)
            loss.backward()
            losses.append(loss.item())
            sizes.append(len(x))
            if last and each_epoch is not None:
                each_epoch(network)
            optimizer.step()
        run.losses.append(sum(map(math.prod, zip(losses, sizes, strict=True))) / sum(sizes) if batch else losses[0])
    run.train_accuracy = _accuracy(_predict(framework, network, data.train_x), data.train_y, data.classes)
    outputs = _predict(framework, network, data.test_x)
    if not framework.isfinite(outputs).all():
        raise Diverged(epochs)
    run.predictions = outputs.numpy()
    run.accuracy = _accuracy(outputs, data.test_y, data.classes)
    return run


def _batches(framework: Any, data: Split, batch: int | None, order: Any) -> Iterator[tuple[bool, tuple[Any, Any]]]:
    """Inputs and targets of each step of an epoch, and whether it is the last."""
    count = len(data.train_x)
    if batch is None:
        yield True, (data.train_x, data.train_y)
        return
    shuffled = framework.randperm(count, generator=order)
    for start in range(0, count, batch):
        rows = shuffled[start : start + batch]
        yield start + batch >= count, (data.train_x[rows], data.train_y[rows])


def _loss(criterion: Any, outputs: Any, targets: Any, epoch: int) -> Any:
    try:
        loss = criterion(outputs, targets)
    except RuntimeError as error:
        # Binary cross-entropy refuses NaN, which is what weights that grew without bound come to.
        raise Diverged(epoch) from error
    if not math.isfinite(loss.item()):
        raise Diverged(epoch)
    return loss


def _accuracy(outputs: Any, targets: Any, classes: int) -> float:
    right = (outputs > 0.5).float() == targets if classes == 2 else outputs.argmax(1) == targets
    return float(right.double().mean().item())


def _predict(framework: Any, network: Any, inputs: Any) -> Any:
    network.eval()
    with framework.no_grad():
        return network(inputs)
