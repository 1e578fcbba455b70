"""Build a network, train it, test it: written once for tinyact and PyTorch, whichever is handed in as ``framework``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinyact.experiment.configuration import NONE, Configuration
from tinyact.experiment.data import INPUTS, Split
from tinyact.nn import activations

FINISHED, DIVERGED = "finished", "diverged"


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
    """One training: what it was, and what came out.

    Attributes:
        configuration: all that decides the numbers.
        status: ``"finished"`` or ``"diverged"``.
        diverged_at: the epoch at which the loss became NaN or infinite.
        accuracy: the share of test samples classified correctly at the end; NaN if it diverged, as the next two.
        validation_accuracy: the same of the samples to choose with; NaN if there are none.
        train_accuracy: the same of the training samples.
        losses: the training loss before each epoch's step.
        held_out_losses: the loss at the same moments, if asked for, of samples that aren't trained with: those to
            choose with, or where there are none those to test with.
        predictions: the network's outputs for the test samples at the end, (n, 1), or (n, classes). Not stored.
        epochs: at which `layers` were recorded.
        layers: per layer and measure the numbers that `Recorder` found.
        seconds: how long it took.
        versions: of tinyact, NumPy and Python.
        machine: on which it ran.
        time: when it ended, in ISO's form.
    """

    configuration: Configuration = field(default_factory=Configuration)
    status: str = FINISHED
    diverged_at: int | None = None
    accuracy: float = math.nan
    validation_accuracy: float = math.nan
    train_accuracy: float = math.nan
    losses: list[float] = field(default_factory=list)
    held_out_losses: list[float] = field(default_factory=list)
    predictions: Any = field(default=None, repr=False, compare=False)
    epochs: list[int] = field(default_factory=list)
    layers: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    machine: str = ""
    time: str = ""

    def numbers(self) -> tuple[Any, ...]:
        """All that the configuration decides, and neither the clock nor the machine does."""
        accuracies = self.accuracy, self.validation_accuracy, self.train_accuracy
        return self.status, self.diverged_at, accuracies, self.losses, self.held_out_losses, self.layers


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
    each_epoch: Callable[[Any], None] | None = None,
    held_out: bool = False,
) -> Run:
    """Training with (binary) cross-entropy and Adam, then the test.

    Args:
        framework: ``tinyact`` or ``torch``.
        network: from `build`.
        data: in the framework's tensors.
        run: where losses, predictions and accuracies go. Its configuration has the number of epochs, the learning rate
            and the samples per step, whose order follows from its seed.
        each_epoch: called with the network after each epoch's last backward pass.
        held_out: whether to compute the loss of samples that aren't trained with before each epoch too.

    Returns:
        The run.

    Raises:
        Diverged: if the loss is no number any more.
    """
    c = run.configuration
    criterion = framework.nn.BCELoss() if data.classes == 2 else framework.nn.CrossEntropyLoss()
    optimizer = framework.optim.Adam(network.parameters(), lr=c.lr)
    order = framework.Generator()
    order.manual_seed(c.seed)
    watched_x, watched_y = data[2:4] if data.validation_x is None else data[4:]
    for epoch in range(c.epochs):
        if held_out:
            outputs = _predict(framework, network, watched_x)
            run.held_out_losses.append(_loss(criterion, outputs, watched_y, epoch).item())
            network.train()
        losses, sizes = [], []
        for last, (x, y) in _batches(framework, data, c.batch, order):
            optimizer.zero_grad()
            loss = _loss(criterion, network(x), y, epoch)
            loss.backward()
            losses.append(loss.item())
            sizes.append(len(x))
            if last and each_epoch is not None:
                each_epoch(network)
            optimizer.step()
        run.losses.append(sum(map(math.prod, zip(losses, sizes, strict=True))) / sum(sizes) if c.batch else losses[0])
    run.train_accuracy = _accuracy(_predict(framework, network, data.train_x), data.train_y, data.classes)
    outputs = _predict(framework, network, data.test_x)
    if not framework.isfinite(outputs).all():
        raise Diverged(c.epochs)
    run.predictions = outputs.numpy()
    run.accuracy = _accuracy(outputs, data.test_y, data.classes)
    if data.validation_x is not None:
        outputs = _predict(framework, network, data.validation_x)
        run.validation_accuracy = _accuracy(outputs, data.validation_y, data.classes)
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
