"""What a network consists of: a table of its layers, as torchinfo prints it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from tinyact import random
from tinyact.autograd.modes import no_grad
from tinyact.creation import rand
from tinyact.nn import Module
from tinyact.tensor import Tensor

_COLUMN = 25


@dataclass
class Layer:
    """One call of a module, or a module that only holds others.

    Attributes:
        name: its class, and where it stands: depth and number among those of this depth.
        depth: how many modules it is inside of.
        output_shape: the sizes of what it returned, of the first tensor if there are several; [] without any.
        params, trainable_params: how many numbers its parameters hold, those of its layers included.
        param_bytes, output_bytes: their memory, and that of the output.
        mult_adds: how many multiplications and additions it takes; 0 unless `is_leaf`.
        is_leaf: whether there are no modules in it.
        is_recursive: whether it stands further up already.
    """

    module: Module
    depth: int
    is_recursive: bool
    name: str = ""
    output_shape: tuple[int, ...] = ()
    output_bytes: int = 0
    mult_adds: int = 0

    def __post_init__(self) -> None:
        parameters = list(self.module.parameters())
        self.params = sum(p.numel() for p in parameters)
        self.trainable_params = sum(p.numel() for p in parameters if p.requires_grad)
        self.param_bytes = sum(p.array.nbytes for p in parameters)
        self.is_leaf = not any(self.module.children())

    def returned(self, output: Any) -> None:
        """Notes what the module returned, and what that took."""
        tensor = _first_tensor(output)
        if tensor is None:
            return
        self.output_shape, self.output_bytes = tuple(tensor.shape), tensor.array.nbytes
        if self.is_leaf:
            self.mult_adds = sum(self._uses(name) * p.numel() for name, p in self.module.named_parameters())

    def _uses(self, parameter: str) -> int:
        """How often each number of a parameter is multiplied or added, by torchinfo's estimate."""
        shape = self.output_shape
        if parameter in ("weight", "bias"):
            return math.prod(shape[:1] + shape[2:] if "Conv" in type(self.module).__name__ else shape[:1])
        return math.prod(shape[:2]) if "weight" in parameter or "bias" in parameter else 0


class Summary:
    """The layers of a network and what they come to; as text, torchinfo's table.

    Attributes:
        layers: in the order in which they were called.
        total_params, trainable_params: how many numbers all parameters hold, and those that require gradients.
        total_mult_adds: the multiplications and additions of one pass forward.
        input_bytes, output_bytes, param_bytes: memory: of the inputs, of layers' outputs and as many gradients, of
            layers' parameters.
    """

    def __init__(self, layers: list[Layer], input_bytes: int, depth: int) -> None:
        self.layers = layers
        leaves = [layer for layer in layers if layer.is_leaf]
        self._own_params = _own_params(layers, [layer.params for layer in layers])
        trainable = _own_params(layers, [layer.trainable_params for layer in layers])
        self.total_params, self.trainable_params = (
            sum(max(n, 0) for n in own) for own in (self._own_params, trainable)
        )
        self.total_mult_adds = sum(leaf.mult_adds for leaf in leaves)
        self.input_bytes = input_bytes
        self.output_bytes = sum(2 * leaf.output_bytes for leaf in leaves if leaf.params)
        self.param_bytes = sum(leaf.param_bytes for leaf in leaves if not leaf.is_recursive)
        self._depth = depth

    def _params_text(self, place: int) -> str:
        layer = self.layers[place]
        if layer.params and layer.is_recursive:
            return "(recursive)"
        if layer.is_leaf or layer.depth == self._depth:
            text = f"{layer.params:,}" if layer.params else "--"
            return text if layer.trainable_params or not layer.params else f"({text})"
        return f"{own:,}" if (own := self._own_params[place]) > 0 else "--"

    def __str__(self) -> str:
        longest = max(len(layer.name) + 5 * layer.depth + 1 for layer in self.layers)
        width = 40 if longest < 40 else -(-longest // 5) * 5
        rows = [("Layer (type:depth-idx)", "Output Shape", "Param #")]
        for place, layer in enumerate(self.layers):
            if layer.depth <= self._depth:
                indent = "" if not layer.depth else "├─" if layer.depth == 1 else "│    " * (layer.depth - 1) + "└─"
                shape = str(list(layer.output_shape)) if layer.output_shape else "--"
                rows.append((indent + layer.name, shape, self._params_text(place)))
        head, *table = [f"{name:<{width}} {shape:<{_COLUMN}} {params}" for name, shape, params in rows]
        line = "=" * (width + 2 * _COLUMN)
        counts = {
            "Total params": self.total_params,
            "Trainable params": self.trainable_params,
            "Non-trainable params": self.total_params - self.trainable_params,
        }
        sizes = {
            "Input size": self.input_bytes,
            "Forward/backward pass size": self.output_bytes,
            "Params size": self.param_bytes,
            "Estimated Total Size": self.input_bytes + self.output_bytes + self.param_bytes,
        }
        totals = [f"{name}: {number:,}" for name, number in counts.items()]
        totals.append(f"Total mult-adds {_in_units(self.total_mult_adds)}")
        memory = [f"{name} (MB): {size / 1e6:.2f}" for name, size in sizes.items()]
        return "\n".join([line, head, line, *table, line, *totals, line, *memory, line])


def summary(network: Module, input: Any, depth: int = 3, verbose: int = 1) -> Summary:
    """Prints what a network consists of, found out by one pass forward; the network is left as it was.

    Args:
        network: any module. It runs in evaluation mode, without recording gradients.
        input: a tensor or a tuple of tensors, what the network is called with; or the size of a tensor, or a list of
            sizes, for random numbers of that shape.
        depth: how deep the table goes into modules of modules.
        verbose: 0 to print nothing.

    Returns:
        What was printed, with its numbers as attributes.

    Raises:
        TypeError: if the input is none of these.
        ValueError: if a size isn't positive.

    Example:
        >>> from tinyact import inspect, nn
        >>> result = inspect.summary(nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)), (32, 2))
        ==========================================================================================
        Layer (type:depth-idx)                   Output Shape              Param #
        ==========================================================================================
        Sequential                               [32, 1]                   --
        ├─Linear: 1-1                            [32, 4]                   12
        ├─Tanh: 1-2                              [32, 4]                   --
        ├─Linear: 1-3                            [32, 1]                   5
        ==========================================================================================
        Total params: 17
        Trainable params: 17
        Non-trainable params: 0
        Total mult-adds (M): 0.00
        ==========================================================================================
        Input size (MB): 0.00
        Forward/backward pass size (MB): 0.00
        Params size (MB): 0.00
        Estimated Total Size (MB): 0.00
        ==========================================================================================
        >>> result.total_mult_adds
        544
    """
    inputs = _inputs(input)
    result = Summary(_layers(network, inputs), sum(x.array.nbytes for x in inputs), depth)
    if verbose:
        print(result)
    return result


def _inputs(input: Any) -> tuple[Tensor, ...]:
    if isinstance(input, Tensor):
        return (input,)
    parts = tuple(input) if isinstance(input, Sequence) else ()
    if parts and all(isinstance(part, Tensor) for part in parts):
        return parts
    sizes = (parts,) if all(isinstance(part, int) for part in parts) else parts
    if not parts or not all(isinstance(size, Sequence) and all(isinstance(n, int) for n in size) for size in sizes):
        raise TypeError(f"the input is a tensor, a tuple of tensors, a size or a list of sizes; got {input!r}")
    if any(n <= 0 for size in sizes for n in size):
        raise ValueError(f"sizes are positive; got {input!r}")
    return tuple(rand(*size, generator=random.Generator()) for size in sizes)


def _layers(network: Module, inputs: tuple[Tensor, ...]) -> list[Layer]:
    """What is called, in this order, with what holds it."""
    ancestors: dict[int, tuple[Module, ...]] = {}
    waiting: list[tuple[Module, tuple[Module, ...]]] = [(network, ())]
    while waiting:
        module, path = waiting.pop()
        ancestors[id(module)] = path  # a module in several places is shown in the last one
        waiting += [(child, (*path, module)) for child in reversed(module._modules.values()) if child is not None]
    calls: list[Layer] = []
    running: dict[int, Layer] = {}

    def before(module: Module, args: Any) -> None:
        calls.append(Layer(module, len(ancestors[id(module)]), id(module) in running))
        running[id(module)] = calls[-1]

    def after(module: Module, args: Any, output: Any) -> None:
        running[id(module)].returned(output)

    modules = [module for module in network.modules() if id(module) in ancestors]
    with _left_as_they_were(modules), no_grad():
        handles = [module.register_forward_pre_hook(before) for module in modules]
        handles += [module.register_forward_hook(after) for module in modules]
        try:
            network.eval()
            network(*inputs)
        finally:
            for handle in handles:
                handle.remove()
    layers = _with_containers(calls, ancestors)
    counts: dict[int, int] = {}
    for layer in layers:
        counts[layer.depth] = counts.get(layer.depth, 0) + 1
        kind = type(layer.module).__name__
        layer.name = f"{kind}: {layer.depth}-{counts[layer.depth]}" if layer.depth else kind
    return layers


@contextmanager
def _left_as_they_were(modules: list[Module]) -> Iterator[None]:
    modes = [module.training for module in modules]
    state = random.get_rng_state()
    try:
        yield
    finally:
        random.set_rng_state(state)
        for module, mode in zip(modules, modes):
            module.training = mode


def _with_containers(calls: list[Layer], ancestors: dict[int, tuple[Module, ...]]) -> list[Layer]:
    """Before the calls of what stands in a module that isn't called itself, such as a ModuleList, that module.

    As in torchinfo, it is the same layer each time, with its last number.
    """
    layers: list[Layer] = []
    current: dict[int, Module] = {}
    shown = {id(layer.module) for layer in calls}
    containers: dict[int, Layer] = {}
    for layer in calls:
        for depth, module in enumerate(ancestors[id(layer.module)][1:], 1):
            if current.get(depth) is not module:
                container = containers.setdefault(id(module), Layer(module, depth, False))
                container.is_recursive = id(module) in shown
                shown.add(id(module))
                layers.append(container)
                current[depth] = module
        layers.append(layer)
        current = {depth: module for depth, module in current.items() if depth < layer.depth}
        current[layer.depth] = layer.module
    return layers


def _own_params(layers: list[Layer], params: list[int]) -> list[int]:
    """How many parameters each layer has that no layer inside of it has; 0 where it stands further up already."""
    own = list(params)
    for place in reversed(range(len(layers))):
        inside = takewhile(lambda i: layers[i].depth > layers[place].depth, range(place + 1, len(layers)))  # noqa: B023
        own[place] = 0 if layers[place].is_recursive else params[place] - sum(own[i] for i in inside)
    return own


def _first_tensor(output: Any) -> Tensor | None:
    """What stands for an output of several tensors: of a sequence its first one, of a dictionary its last one."""
    if isinstance(output, dict):
        output = list(output.values())[::-1][:1]
    if isinstance(output, (list, tuple)):
        return _first_tensor(output[0]) if output else None
    return output if isinstance(output, Tensor) else None


def _in_units(count: int) -> str:
    """``"(M): 1.25"``

    Example:
        >>> _in_units(1_250_000), _in_units(3_000_000_000)
        ('(M): 1.25', '(G): 3')
    """
    unit, size = next((unit, size) for unit, size in (("T", 1e12), ("G", 1e9), ("M", 0)) if count >= size)
    share = count / (size or 1e6)
    return f"({unit}): {share:,.0f}" if share.is_integer() else f"({unit}): {share:,.2f}"
