"""The same module in tinyact and in PyTorch, with the same weights, run on the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import tinyact
from tests.against_torch import TOLERANCE, assert_equal

Make = Callable[[Any], Any]


def seeded(make: Make, seed: int = 0) -> tuple[Any, Any]:
    """The module made by both from the same seed."""
    tinyact.manual_seed(seed)
    torch.manual_seed(seed)
    return make(tinyact), make(torch)


def to_torch(state: Any) -> dict[str, torch.Tensor]:
    """tinyact's state_dict as PyTorch's."""
    return {name: torch.from_numpy(tensor.numpy().copy()) for name, tensor in state.items()}


def from_torch(state: Any) -> dict[str, Any]:
    """PyTorch's state_dict as tinyact's."""
    return {name: tinyact.from_numpy(tensor.numpy().copy()) for name, tensor in state.items()}


def same_module(make: Make, *inputs: Any) -> None:
    """Assert equal outputs, and equal gradients of every input and parameter.

    Args:
        make: called with ``tinyact`` and with ``torch``; both then get the former's weights.
        inputs: floating NumPy arrays; all require gradients.
    """
    ours, theirs = make(tinyact), make(torch)
    assert repr(ours) == repr(theirs)
    theirs.load_state_dict(to_torch(ours.state_dict()))
    results = []
    for module, net in ((tinyact, ours), (torch, theirs)):
        tensors = [module.from_numpy(array.copy(order="K")) for array in inputs]
        for tensor in tensors:
            tensor.requires_grad_()
        output = net(*tensors)
        upstream = np.random.default_rng(0).integers(-8, 9, tuple(output.shape)) / 4
        output.backward(module.from_numpy(np.asarray(upstream, output.detach().numpy().dtype)))
        results.append((output, [t.grad for t in (*tensors, *net.parameters())]))
    (our_output, our_grads), (their_output, their_grads) = results
    assert_equal(our_output, their_output)
    for a, b in zip(our_grads, their_grads, strict=True):
        assert str(a.dtype) == str(b.dtype)
        _assert_close(a.numpy(), b.numpy())


def _assert_close(ours: Any, theirs: Any) -> None:
    """Equal to rounding, where terms as large as the gradient that arrives (up to 2) may have cancelled: 1 − y² …"""
    tolerance = TOLERANCE[theirs.dtype.name]
    atol = tolerance * np.abs(theirs).max(initial=2.0)
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=atol, strict=True)


def errors(program: Make) -> tuple[BaseException, BaseException]:
    """What tinyact and PyTorch raise; the same type."""
    raised = []
    for module in (tinyact, torch):
        try:
            program(module)
        except Exception as error:
            raised.append(error)
        else:
            raise AssertionError(f"{module.__name__} does not refuse")
    ours, theirs = raised
    assert type(ours) is type(theirs), raised
    return ours, theirs


def same_error(program: Make) -> None:
    """Assert that both refuse with the same type of exception and the same words."""
    ours, theirs = errors(program)
    assert str(ours) == str(theirs)
