"""What docs/differences.md names, as narrowly as it is said there: no other difference is let through."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from tests.lockstep.compare import SWEEPS, Difference

Covers = Callable[[Difference], object]


class Named(NamedTuple):
    """A difference that is named: the words in docs/differences.md, and whether they speak of one that was met."""

    quote: str
    covers: Covers


def refused(*words: str) -> Covers:
    """tinyact refuses in such words what PyTorch doesn't."""
    return lambda d: d.what == "raised" and d.theirs is None and any(w in str(d.ours) for w in words)


def computed(*words: str) -> Covers:
    """PyTorch refuses in such words what tinyact doesn't, or not for that reason."""
    return lambda d: d.what == "raised" and any(w in str(d.theirs) for w in words)


def step(pattern: str, *whats: str, when: Covers = lambda d: True) -> Covers:
    """A step like this differs in one of these ways."""
    return lambda d: d.what in whats and re.search(pattern, d.line) and when(d)


def program(pattern: str, *whats: str, when: Covers = lambda d: True) -> Covers:
    """A program with a step like this differs in one of these ways."""
    return lambda d: d.what in whats and re.search(pattern, d.program) and when(d)


def gradients(*whats: str, when: Covers = lambda d: True) -> Covers:
    """Gradients differ in one of these ways: in the step that makes them, or in ``.grad``."""
    return lambda d: d.what in whats and (re.search(SWEEPS, d.line) or ".grad" in d.path) and when(d)


def of_view(d: Difference) -> bool:
    return d.tensor._is_view()


def layouts(d: Difference) -> object:
    """The step's tensors lie in memory in several ways, or one in a way that is named."""
    scattered = [x for x in d.operands if not x.is_contiguous()]
    expanded = any(0 in x.stride() for x in scattered)
    return scattered and (expanded or len(d.operands) > 1 or re.search(r"(?i)\[|logsig|rrelu", d.line))


def scattered(d: Difference) -> bool:
    return not all(x.is_contiguous() for x in d.operands)


def shares_memory(d: Difference) -> bool:
    """A gradient of PyTorch's lies in the memory of another of its tensors."""
    things = [part for value in d.names.values() for part in (value if isinstance(value, (tuple, list)) else [value])]
    things += [part for value in things if isinstance(value, torch.nn.Module) for part in value.parameters()]
    tensors = {id(thing): thing for thing in things if isinstance(thing, torch.Tensor)}.values()
    grads = [t.grad for t in tensors if t.is_leaf and t.grad is not None]
    grads += [
        part for value in d.names.values() if isinstance(value, tuple) for part in value if id(part) in map(id, tensors)
    ]
    owners = [t.untyped_storage()._cdata for t in {id(t): t for t in [*tensors, *grads]}.values()]
    return any(owners.count(g.untyped_storage()._cdata) > 1 for g in grads)


def apart(d: Difference) -> Any:
    """Where numbers differ by more than rounding."""
    return ~np.isclose(d.ours, d.theirs, equal_nan=True)


def is_finite(numbers: Any, d: Difference) -> bool:
    """Some of the numbers are finite where they differ."""
    return bool(np.isfinite(numbers[apart(d)]).any())


# A module is called on a line that begins with the shape of its input.
SIGNS = (
    r"(?i)relu6|@|mm\(|matmul|linear|loss|entropy|kl_div|maximum|minimum|T.max|clamp|softshrink|tanhshrink|\.shape; "
)
STALE = ("modified by an inplace operation", "graph a second time")
LIMITED = "(?i)silu|gelu|mish|softsign|hardswish"
WHOLE = {"CopyBackwards", "CopySlices", "FillBackward3"}

# fmt: off
DIFFERENCES = [
    # Changes in place, and views.
    Named("A tensor that has views, or is one, can't be changed in place",
          refused("a view, or a tensor that has views")),
    Named("A view whose memory was changed otherwise keeps its node",
          lambda d: d.what == "grad_fn" and d.theirs == "AsStridedBackward0" and of_view(d)),
    Named("A view whose memory was changed otherwise keeps its node",
          step(SWEEPS, "raised", when=lambda d: refused(*STALE)(d) and any(x._is_view() for x in d.operands))),
    Named("A view made in `no_grad`, or before its base was set to require gradients, doesn't require them.",
          lambda d: d.what in ("requires_grad", "is_leaf") and d.theirs is (d.what == "requires_grad") and of_view(d)),
    Named("it refuses to change such a view in place outside of `no_grad`",
          computed("A view was created in no_grad mode and")),
    Named("and what iterating gives everywhere", computed("the output of a function that returns multiple views")),
    Named("**Expanded tensors** whose elements share memory can't be changed in place",
          refused("more than one element of the written-to tensor refers to a single memory location")),
    Named("**Expanded tensors** whose elements share memory can't be changed in place",
          lambda d: refused("memory of this tensor is read-only")(d) and not all(x.numel() for x in d.operands)),
    Named("Integers never require gradients",
          lambda d: d.what in ("requires_grad", "is_leaf") and not d.tensor.is_floating_point()),
    Named("assignment of a tensor to a part of itself by mask or index",
          computed("some elements of the input tensor and the written-to")),
    Named("or of an operation in place",
          program(r"inplace=True|_\(|=", "raised", when=computed("which is output 0 of"))),
    Named("of an operand that was converted to another dtype", computed("by an inplace operation: [CPU")),
    Named("of an operand that was converted to another dtype",
          program("float64", "raised", when=lambda d: "float32" in d.program and computed("]] is at version")(d))),
    # Strides and names.
    Named("so may those of what is made of expanded tensors", lambda d: d.what == "stride" and layouts(d)),
    Named(", and of gradients.", gradients("stride")),
    Named(", and of gradients.", gradients("grad_fn", when=lambda d: d.theirs == "CopyBackwards")),
    Named("of iterating (PyTorch: Unbind)", step(r"list\(", "grad_fn")),
    Named("losses, products and `linear` of other than two matrices", step("entropy|loss|kl_div|Loss", "grad_fn")),
    Named("losses, products and `linear` of other than two matrices",
          step(r"@|matmul|linear|\.shape; ", "grad_fn", when=lambda d: any(x.ndim != 2 for x in d.operands))),
    Named("indices of several parts", step(r"\[.*(,|None|True)", "grad_fn")),
    Named("assignments to all elements", step(r"\] = ", "grad_fn", when=lambda d: {d.ours, d.theirs} <= WHOLE)),
    Named("changes in place by another dtype",
          step(r"_\(|=", "grad_fn", when=lambda d: d.ours == "ToCopyBackward0")),
    Named("NumPy's numbers on the left", step(r"np\.\w+\(\S+\) ", "grad_fn")),
    Named("results with module hooks", step(r"\.shape; ", "grad_fn", when=lambda d: "Hook" in d.theirs)),
    Named("and recorded derivatives", gradients("grad_fn")),
    Named("and so may the digit of an overload", lambda d: d.what == "grad_fn" and d.ours[:-1] == d.theirs[:-1]),
    Named("count an optimizer's step as one change", step("step", "_version")),
    # Gradients.
    Named("that are constant, such as ReLU's, require gradients",
          gradients("requires_grad", "is_leaf", when=lambda d: d.theirs is (d.what == "is_leaf"))),
    Named("that are constant, such as ReLU's, require gradients",
          step("create_graph=True", "raised", when=computed("element 0 of tensors does not require grad"))),
    Named("∞ times it is NaN, where PyTorch's `abs` and `l1_loss` leave it out",
          program("abs|l1_loss", "value", when=lambda d: np.isnan(d.ours[apart(d)]).all())),
    Named("PyTorch leaves them out if it also goes on from there",
          step(r"autograd\.grad\(", "value", when=lambda d: "register_hook" in d.program)),
    Named("flags and all, where it doesn't change.", gradients("requires_grad", "is_leaf", when=lambda d: not d.ours)),
    Named("and hooks see new ones.", gradients("identity")),
    Named("sharing between tensors that are deep-copied together", step("deepcopy", "identity")),
    Named("**`.grad` has memory of its own.**",
          lambda d: d.what in ("_version", "value", "identity") and shares_memory(d)),
    Named("PyTorch also runs, and frees, the operation that made it.",
          program(r"inputs=\[", "raised", when=computed("Trying to backward through the graph a second time"))),
    Named("A backward that raises** leaves every `.grad` as it was",
          gradients("grad is None", "value", "_version", when=lambda d: d.error is not None)),
    Named("**`Module.load_state_dict`** that raises has changed nothing",
          step("load_state_dict", "_version", "value", when=lambda d: d.error is not None)),
    Named("where PyTorch may refuse",
          program(r"double|float|to\(", "raised", when=computed("to have the same dtype, but"))),
    Named("its gradient has its new dtype",
          program(r"double|float|\.to\(|data", "dtype", when=lambda d: ".grad" in d.path)),
    Named("and is recorded with its new numbers", program(r"\.data = ", "value", when=lambda d: ".grad" in d.path)),
    Named("PyTorch calls some with None", computed("'NoneType'")),
    Named("that of `var` and `std` of fewer elements than the correction",
          program("correction|var|std", "value", when=lambda d: not is_finite(d.ours, d))),
    Named("and that with `dim=()` what it is without `dim`", program(r"(var|std)\((\(\)|\[\])", "value")),
    Named("`hardsigmoid`**'s derivative in float64",
          program("(?i)hardsigmoid", "value", when=lambda d: np.allclose(d.ours, d.theirs, 1e-6))),
    Named("The derivative of `kl_div` by a target that isn't positive",
          program("kl_div|KLDiv", "value", when=lambda d: not (is_finite(d.ours, d) and is_finite(d.theirs, d)))),
    Named("and by the weight alone are not there (PyTorch: 0)", program("(?i)prelu", "type")),
    Named("that by both is 1 at 0 (PyTorch: 0)",
          program("(?i)prelu", "value", when=lambda d: "create_graph" in d.line)),
    # Numbers.
    Named("and their derivatives have their limits at ±∞",
          program(LIMITED, "value", when=lambda d: np.isnan(d.theirs[apart(d)]).all())),
    Named("**The sign of a zero** may differ", gradients("sign of zero")),
    Named("**The sign of a zero** may differ", step(SIGNS, "sign of zero")),
    Named("**Random numbers into tensors that don't lie in order in memory**",
          step("rand|uniform|normal", "value", when=scattered)),
    Named("Those that are refused because the tensor can't be changed may have been drawn",
          program(r"(uniform|normal)_\(.*# raises", "value")),
    # What one of both refuses.
    Named("Booleans can't be raised to `True` or `False`", refused("pow takes numbers, not booleans")),
    Named("takes a bias of one number for each output alone", refused("takes a bias of shape")),
    Named("Checks of dtypes and indices are made for empty tensors too",
          refused("to have the same dtype, but got", "linspace makes numbers, not booleans",
                  "takes floating tensors, got", "is out of bounds for dimension")),
    Named("Zeros as gradients can be changed in place and copied",
          computed("ZeroTensors are immutable", "copy_() on an invalid python storage")),
    Named("of another dtype by a mask without dimensions",
          step(r"\[(True|T.tensor\(True\))\]", "raised", when=lambda d: "Index put requires" in f"{d.ours}{d.theirs}")),
    Named("`hardtanh` of uint8 are computed", computed("cannot do hardtanh on an unsigned type")),
    Named("NaN, and what doesn't fit, can be written to integers by a mask",
          step(r"\] = ", "raised", when=computed("value cannot be converted to type"))),
    Named("of `x ** mask`", program(r"\*\*|pow", "raised", when=computed("with a bool tensor is not supported"))),
    Named("`alpha=True`", computed("Boolean alpha only supported for Boolean results")),
    Named("`softsign` and `tanhshrink` of booleans",
          step("softsign|tanhshrink", "raised", when=computed("with a bool tensor is not"))),
    Named("Of two faults in one assignment by index",
          step(r"\] .?.?= ", "raised", when=lambda d: d.ours is not None is not d.theirs)),
    Named("products of boolean matrices", computed("not implemented for 'Bool'")),
    Named("sums and products with an integer `dtype`", computed("Autograd not support dtype")),
    Named("the Jacobian and Hessian of an empty tensor", computed("stack expects a non-empty TensorList")),
    Named("the second of `hardsigmoid`", computed("derivative for aten::hardsigmoid_backward is not implemented")),
    Named("that of `huber_loss` with integers as its target",
          program("(?i)huber", "raised", when=computed("Found dtype"))),
    Named("of `clamp` between bounds of another shape",
          program("clamp", "raised", when=computed("match the broadcast shape"))),
    Named("of `False ** x`", computed("INTERNAL ASSERT FAILED")),
    Named("for more numbers than there is memory for", computed("invalid size, possible overflow?")),
]
# fmt: on


def named(difference: Difference) -> Named | None:
    """The entry that covers a difference."""
    return next((entry for entry in DIFFERENCES if entry.covers(difference)), None)
