"""What goes on inside of a network while it learns: means, zeros, saturated and dead units, gradient norms."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np

from tinyact.nn import Linear, Module, activations

# Where less than this share of the gradient passes, an activation is saturated.
SATURATED = 0.01


class Recorder:
    """Watches a network's layers through its hooks, while it is trained; what is only evaluated is not counted.

    Per epoch and layer, `layers` has by the module's name:

    - for activations ``mean`` and ``deviation`` of the outputs; ``zeros``, the share of outputs that are exactly 0;
      ``saturated``, the share through which less than a hundredth of the gradient passed (of those where one arrived);
      ``dead``, the share of units that were 0 for all samples of the epoch;
    - for linear layers ``gradient_norm``: ‖∂L/∂W‖, for several steps the root of the mean square.

    A recorded epoch of the notebook's network takes about twice as long as another, so that with ``every=10`` a
    training takes a tenth longer. Between recorded epochs no hook is attached.

    Args:
        network: any module.
        every: record every n-th epoch, from the first on.

    Attributes:
        epochs: which were recorded.
        layers: by layer and measure a list of numbers, one for each of these.

    Example:
        >>> import tinyact
        >>> from tinyact.experiment import build
        >>> network = build(tinyact, "relu")
        >>> recorder = Recorder(network)
        >>> network(tinyact.randn(8, 100)).sum().backward()
        >>> recorder.end_epoch()
        >>> sorted(recorder.layers["1"])
        ['dead', 'deviation', 'mean', 'saturated', 'zeros']
    """

    def __init__(self, network: Module, every: int = 1) -> None:
        if every < 1:
            raise ValueError(f"every has to be at least 1, got {every}")
        self.every = every
        self.epochs: list[int] = []
        self.layers: dict[str, dict[str, list[float]]] = {}
        self._epoch = 0
        kinds = tuple(activations().values())
        modules = list(network.named_modules())
        self._activations = [(name, module) for name, module in modules if isinstance(module, kinds)]
        self._linears = [(name, module) for name, module in modules if isinstance(module, Linear)]
        self._handles: list[Any] = []
        self._attach()

    def end_epoch(self) -> None:
        """Closes an epoch: the sums since the last call become the next numbers of `layers`."""
        if self._handles:
            self.epochs.append(self._epoch)
            for name, sums in self._sums.items():
                for measure, value in sums.measures().items():
                    self.layers.setdefault(name, {}).setdefault(measure, []).append(value)
            self.remove()
        self._epoch += 1
        if self._epoch % self.every == 0:
            self._attach()

    def remove(self) -> None:
        """Takes the hooks away; what was recorded stays."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _attach(self) -> None:
        self._sums: defaultdict[str, _Sums] = defaultdict(_Sums)
        for name, module in self._activations:
            sums = self._sums[name]
            self._handles.append(module.register_forward_hook(sums.outputs))
            if getattr(module, "inplace", False):  # what a backward hook gets to see may not be changed in place
                self._handles.append(module.register_forward_pre_hook(sums.inputs))
            else:
                self._handles.append(module.register_full_backward_hook(sums.gradients))
        for name, linear in self._linears:
            self._handles.append(linear.weight.register_hook(self._sums[name].weight_gradient))


class _Sums:
    """Sums over the steps of one epoch, for one layer."""

    def __init__(self) -> None:
        self.count = self.zeros = self.grads = self.saturated = self.steps = 0
        self.sum = self.squares = self.norms = 0.0
        self.alive: Any = None
        self._arrived: list[Any] = []

    def inputs(self, module: Module, args: Any) -> None:
        if args[0].requires_grad:
            args[0].register_hook(lambda grad: self.gradients(module, [grad], [self._arrived.pop()]))

    def outputs(self, module: Module, args: Any, output: Any) -> None:
        if getattr(module, "inplace", False) and output.requires_grad:
            output.register_hook(self._arrived.append)
        if not module.training:
            return
        y = np.atleast_1d(output.detach().numpy())
        self.count += y.size
        self.sum += float(y.sum())
        self.squares += float(np.vdot(y, y))
        nonzero = y != 0
        self.zeros += y.size - int(np.count_nonzero(nonzero))
        alive = nonzero.reshape(-1, y.shape[-1]).any(0)
        self.alive = alive if self.alive is None else self.alive | alive

    def gradients(self, module: Module, grad_input: Any, grad_output: Any) -> None:
        if not module.training or grad_input[0] is None:
            return
        of_input, of_output = (np.abs(grads[0].numpy()) for grads in (grad_input, grad_output))
        self.grads += int(np.count_nonzero(of_output))
        self.saturated += int(np.count_nonzero(of_input < SATURATED * of_output))

    def weight_gradient(self, grad: Any) -> None:
        g = grad.detach().numpy()
        self.steps += 1
        self.norms += float(np.vdot(g, g))

    def measures(self) -> dict[str, float]:
        """The numbers of the epoch; NaN where there were none."""
        if self.steps:
            return {"gradient_norm": math.sqrt(self.norms / self.steps)}
        if not self.count:
            return {}
        mean = self.sum / self.count
        return {
            "mean": mean,
            "deviation": math.sqrt(max(0.0, self.squares / self.count - mean * mean)),
            "zeros": self.zeros / self.count,
            "saturated": self.saturated / self.grads if self.grads else math.nan,
            "dead": 1 - float(self.alive.mean()),
        }
