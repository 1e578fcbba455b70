"""Tensor: a Variable with every operation as a method and operator."""

from __future__ import annotations

import builtins
import functools
import warnings
import weakref
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, TypeVar

import numpy as np

from tinyact.autograd import api
from tinyact.autograd.hooks import RemovableHandle
from tinyact.autograd.inplace import change, check_changeable, check_fits
from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Hook, Variable, wrap
from tinyact.device import CPU, DeviceLike, check_device
from tinyact.device import device as Device
from tinyact.dtype import BY_NUMPY, KINDS, as_dtype, bool_, float32, float64, get_default_dtype, int64
from tinyact.dtype import dtype as DType
from tinyact.functions import activation, arithmetic, comparison, elementwise, indexing, linear, reduction
from tinyact.functions import shape as shapes
from tinyact.functions import softmax as softmaxes
from tinyact.functions.dispatch import UFUNCS, as_numpy_takes, numpy_function
from tinyact.functions.operand import (
    NotAnOperand,
    as_element,
    as_operand,
    cast,
    destination,
    fresh,
    from_data,
    integer,
    layout,
    require_numbers,
    sizes_of,
)
from tinyact.printing import tensor_text
from tinyact.random import default_generator

F = TypeVar("F", bound=Callable[..., Any])


def operator(function: F) -> F:
    """A function of two operands as an operator, which leaves what is no operand to the class that it is of."""

    @functools.wraps(function)
    def operate(self: Any, other: Any) -> Any:
        try:
            return function(self, other)
        except NotAnOperand:
            return NotImplemented

    return operate  # type: ignore[return-value]


class Size(tuple[int, ...]):
    """The sizes of a tensor's dimensions: a tuple that prints as PyTorch's.

    Raises:
        TypeError: for anything but integers.
    """

    def __new__(cls, sizes: Any = ()) -> Size:
        sizes = tuple(sizes)
        for place, size in enumerate(sizes):
            if not isinstance(size, int) and integer(size) is None:
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {place} is '{type(size).__name__}')")
        return tuple.__new__(cls, map(int, sizes))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple.__add__(other, self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Any:
        part = tuple.__getitem__(self, index)
        return Size(part) if isinstance(index, slice) else part

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        return int(np.prod(self, dtype=np.int64))


class Tensor(Variable):
    """An array of numbers that knows how it was computed, so that it can be differentiated.

    Made by `tensor`, `zeros` and their like; ``Tensor(data)`` makes one of the default dtype, ``Tensor(2, 3)`` one of
    that shape.

    Attributes:
        array: the numbers, a NumPy array.
        grad: ∂L/∂(this tensor), after ``L.backward()``; None before.
        grad_fn: the operation that made it, or None for a leaf.

    Example:
        >>> import tinyact
        >>> x = tinyact.tensor([1.0, 2.0], requires_grad=True)
        >>> y = (x * x).sum()
        >>> y
        tensor(5., grad_fn=<SumBackward0>)
        >>> y.backward()
        >>> x.grad
        tensor([2., 4.])
    """

    is_detached: builtins.bool = False

    def __init__(self, *data: Any) -> None:
        """PyTorch's older constructor: from data, or of a shape and filled with zeros."""
        super().__init__(from_data_or_sizes(data, get_default_dtype()))

    # --- what it is ----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes of its dimensions."""
        return tuple.__new__(Size, self.array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The sizes of its dimensions, or that of one."""
        if dim is None:
            return self.shape
        if not -self.ndim <= dim < self.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-self.ndim}, {self.ndim - 1}], but got {dim})"
            )
        return self.array.shape[dim]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    nelement = numel

    def stride(self) -> tuple[int, ...]:
        """How many elements in memory lie between neighbours along each dimension."""
        steps: list[int] = []
        following = 1
        for n, bytes_ in zip(reversed(self.array.shape), reversed(self.array.strides), strict=True):
            # NumPy's is 0 in empty arrays, and for new dimensions of size 1.
            step = following if self.array.size == 0 or (n == 1 and bytes_ == 0) else bytes_ // self.array.itemsize
            steps.insert(0, step)
            following = step * builtins.max(n, 1)
        return tuple(steps)

    def is_contiguous(self) -> bool:
        """Whether its elements lie in order in memory."""
        return bool(self.array.flags.c_contiguous)

    @property
    def dtype(self) -> DType:
        """The type of its elements."""
        return BY_NUMPY[self.array.dtype]

    def is_floating_point(self) -> bool:
        """Whether its elements are float32 or float64."""
        return self.array.dtype.kind == "f"

    @property
    def device(self) -> Device:
        """The CPU."""
        return CPU

    is_cpu, is_cuda = True, False

    def get_device(self) -> int:
        """−1, as for all tensors on the CPU."""
        return -1

    def type(self, dtype: Any = None) -> Any:
        """``"torch.FloatTensor"`` and the like; with a dtype, or such a name of one, the tensor in it.

        Raises:
            ValueError: for another word.
        """
        if dtype is None:
            return f"torch.{KINDS[self.array.dtype]}Tensor"
        if isinstance(dtype, str):
            if dtype not in _BY_TYPE_NAME:
                raise ValueError(f"invalid type: '{dtype}'")
            dtype = _BY_TYPE_NAME[dtype]
        return self.to(getattr(dtype, "dtype", dtype) if isinstance(dtype, builtins.type) else dtype)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __reversed__(self) -> Tensor:
        return self if self.ndim == 0 else shapes.Flip().apply(self)

    def __pos__(self) -> Tensor:
        return require_numbers(self, "positive")

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (Tensor, builtins.int, builtins.float, np.number)):
            raise RuntimeError(f"a tensor contains tensors and numbers, but was asked for a {type(element).__name__}")
        return bool((self == element).any())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        grad_fn = None if self.grad_fn is None else self.grad_fn.name()
        return tensor_text(self.array, grad_fn=grad_fn, requires_grad=self._requires_grad)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    # --- its numbers in other forms ------------------------------------------------------------------------------

    def item(self) -> Any:
        """Its only element as a Python number.

        Raises:
            RuntimeError: if it has none or several.
        """
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        return self.array.item()

    def tolist(self) -> Any:
        """Its elements as nested lists of Python numbers; a number, if it has no dimensions."""
        return self.array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, np.dtype[Any]]:
        """The array behind it, in the same memory.

        Raises:
            RuntimeError: if it requires gradients, unless ``force`` is set or recording is off.
        """
        if self._requires_grad and recording.on and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self.array

    # What matplotlib asks for; it takes what it can't turn into an array for a sequence of columns.
    to_numpy = numpy

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, np.dtype[Any]]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def _one(self) -> Any:
        if self.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.array.item()

    def __float__(self) -> builtins.float:
        return builtins.float(self._one())

    def __int__(self) -> int:
        return int(self._one())

    def __index__(self) -> int:
        if self.array.size != 1 or self.array.dtype.kind == "f":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.array.item())

    def __bool__(self) -> builtins.bool:
        if self.array.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        if self.array.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        return builtins.bool(self.array.item())

    def to(
        self, *args: Any, device: DeviceLike = None, dtype: Any = None, non_blocking: builtins.bool = False,
        copy: builtins.bool = False, memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        """The tensor in another dtype, or in that of another tensor; itself if it is that already.

        Args:
            args: a dtype, a device, both, or a tensor.
            device, dtype: the same by name; the device must be the CPU.
            copy: whether to copy it even if it is that already.
            non_blocking, memory_format: accepted for PyTorch's sake, and without effect.
        """
        target = destination(args, device, dtype)
        result = self if target is None else cast(self, target.numpy)
        return result.clone() if copy and result is self else result

    def cpu(self, memory_format: Any = None) -> Tensor:
        """Itself: its memory is on the CPU."""
        return self

    def cuda(self, device: DeviceLike = None, non_blocking: builtins.bool = False, memory_format: Any = None) -> Tensor:
        """Raises AssertionError: there is no CUDA."""
        return self.to("cuda")

    def float(self) -> Tensor:
        """As float32."""
        return cast(self, float32.numpy)

    def double(self) -> Tensor:
        """As float64."""
        return cast(self, float64.numpy)

    def long(self) -> Tensor:
        """As int64; fractions are cut off."""
        return cast(self, int64.numpy)

    def int(self) -> Tensor:
        """As int32; fractions are cut off."""
        return cast(self, np.dtype(np.int32))

    def bool(self) -> Tensor:
        """As booleans: whether it is not zero."""
        return cast(self, bool_.numpy)

    def type_as(self, other: Tensor) -> Tensor:
        """In the dtype of another tensor."""
        return self.to(other)

    # --- new ones like it ----------------------------------------------------------------------------------------

    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: DeviceLike = None, requires_grad: builtins.bool = False
    ) -> Tensor:
        """A new tensor with a copy of the data, of the same dtype unless another is given."""
        check_device(device)
        return from_data(data, self.dtype if dtype is None else as_dtype(dtype)).requires_grad_(requires_grad)

    def new_full(
        self,
        size: Any,
        fill_value: Any,
        *,
        dtype: Any = None,
        device: DeviceLike = None,
        requires_grad: builtins.bool = False,
    ) -> Tensor:
        """The same number everywhere, in the same dtype unless another is given."""
        check_device(device)
        kind = (self.dtype if dtype is None else as_dtype(dtype)).numpy
        array = np.full(sizes_of((size,)), as_element(fill_value, kind), kind)
        return fresh(array).requires_grad_(requires_grad)

    def new_zeros(self, *size: Any, **options: Any) -> Tensor:
        """Zeros of the same dtype; further arguments as for `new_full`."""
        return self.new_full(sizes_of(size), 0, **options)

    def new_ones(self, *size: Any, **options: Any) -> Tensor:
        """Ones of the same dtype; further arguments as for `new_full`."""
        return self.new_full(sizes_of(size), 1, **options)

    def new_empty(self, *size: Any, **options: Any) -> Tensor:
        """Numbers that don't matter (they are zeros) of the same dtype; further arguments as for `new_full`."""
        return self.new_full(sizes_of(size), 0, **options)

    # --- its place in the graph ----------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> builtins.bool:
        """Whether gradients with respect to it are wanted; true for every result computed from such a tensor."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: builtins.bool) -> None:
        if self.grad_fn is not None:
            self._refuse_flag()
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Tensor:
        """Sets whether gradients are wanted.

        Raises:
            RuntimeError: if its elements are no floating numbers, or it is a result that needs them for others.
        """
        if not isinstance(requires_grad, builtins.bool):
            raise RuntimeError(f"requires_grad must be a bool, got {type(requires_grad).__name__}")
        if requires_grad and self.array.dtype.kind != "f":
            raise RuntimeError(f"only Tensors of floating point dtype can require gradients, got {self.dtype}")
        if not requires_grad and self.grad_fn is not None:
            self._refuse_flag()
        self._requires_grad = builtins.bool(requires_grad)
        return self

    def _refuse_flag(self) -> None:
        raise RuntimeError(
            "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
            "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
        )

    @property
    def is_leaf(self) -> builtins.bool:
        """Whether no recorded operation made it."""
        return self.grad_fn is None

    @property
    def grad(self) -> Tensor | None:
        """∂L/∂(this tensor), added up over all calls of ``backward``; None before the first."""
        if self._grad is None and self.grad_fn is not None and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for "
                "a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
                "mistake, make sure you access the leaf Tensor instead.",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value)}")
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value.array.shape != self.array.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
            if value.array.dtype != self.array.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype}' to a tensor with dtype '{self.dtype}'."
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def detach(self) -> Tensor:
        """The same numbers in the same memory, cut off from the graph."""
        result = wrap(self.array)
        result._version = self._version
        result.is_detached = True
        return result

    @property
    def data(self) -> Tensor:
        """As `detach`, but changes through it in place are not noticed by a sweep."""
        return wrap(self.array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._requires_grad and value.array.dtype.kind != "f":
            raise RuntimeError(
                f"data set to a tensor that requires gradients must be floating point, got {value.dtype}"
            )
        self.array = value.array

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: builtins.bool | None = None,
        create_graph: builtins.bool = False,
        inputs: Any = None,
    ) -> None:
        """Adds ∂(this tensor)/∂leaf to ``.grad`` of every leaf that it was computed from.

        Args:
            gradient: ∂L/∂(this tensor), of its shape; 1 if left out, for a tensor of one element.
            retain_graph: whether to keep what the forward pass saved, for another sweep.
            create_graph: whether to record the sweep itself, for derivatives of derivatives.
            inputs: if given, only their ``.grad`` changes.

        Raises:
            RuntimeError: as for `tinyact.autograd.backward`.
        """
        api.backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        """Keeps the gradient in ``.grad`` although this is no leaf.

        Raises:
            RuntimeError: if it requires no gradients.
        """
        if not self._requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.grad_fn is not None:
            self.grad_fn._retained = weakref.ref(self)

    @property
    def retains_grad(self) -> builtins.bool:
        """Whether this is no leaf and keeps its gradient nevertheless."""
        retained = None if self.grad_fn is None else self.grad_fn._retained
        return retained is not None and retained() is self

    def register_hook(self, hook: Hook) -> RemovableHandle:
        """Calls ``hook(grad)`` when the gradient of this tensor is known; what it returns, if not None, replaces it.

        Returns:
            A handle whose ``remove()`` takes the hook away again.

        Raises:
            RuntimeError: if it requires no gradients.
        """
        if not self._requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        node = self if self.grad_fn is None else self.grad_fn
        if node._hooks is None:
            node._hooks = {}
        return RemovableHandle(node._hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Calls ``hook(tensor)`` each time after a gradient was added to ``.grad`` of this leaf.

        Returns:
            A handle whose ``remove()`` takes the hook away again.

        Raises:
            RuntimeError: if it is no leaf, or requires no gradients.
        """
        if not self._requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        self._accumulate_hooks = self._accumulate_hooks or {}
        return RemovableHandle(self._accumulate_hooks, hook)

    # --- changes in place ----------------------------------------------------------------------------------------

    def _replace(self, values: Any, name: str) -> Tensor:
        """Other numbers instead of its own, which get no gradient from now on."""
        dtype = self.array.dtype
        values = cast(values, dtype) if isinstance(values, Tensor) else wrap(as_element(values, dtype))
        return change(self, indexing.Replace(name).apply, values)

    def add_(self, other: Any, *, alpha: builtins.float = 1) -> Tensor:
        """`add` in place."""
        return change(self, functools.partial(arithmetic.add, alpha=alpha), other)

    def sub_(self, other: Any, *, alpha: builtins.float = 1) -> Tensor:
        """`sub` in place."""
        return change(self, functools.partial(arithmetic.sub, alpha=alpha), other)

    def mul_(self, other: Any) -> Tensor:
        """`mul` in place."""
        return change(self, arithmetic.mul, other)

    def div_(self, other: Any) -> Tensor:
        """`div` in place."""
        return change(self, arithmetic.div, other)

    def pow_(self, exponent: Any) -> Tensor:
        """`pow` in place."""
        return change(self, arithmetic.pow, exponent)

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        """`clamp` in place."""
        return change(self, arithmetic.clamp, min, max)

    def copy_(self, other: Any) -> Tensor:
        """The other tensor's numbers, broadcast to this one's shape and dtype, in place."""
        other = as_operand(other)
        if isinstance(other, Tensor):
            check_fits(other.array.shape, self.array)
        return self._replace(other, "CopyBackwards")

    def fill_(self, value: builtins.float) -> Tensor:
        """The same number everywhere, in place."""
        value = as_operand(value, "value")
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor, got {value.ndim} dimensions")
        # A copy, since it may be an element of this tensor.
        return self._replace(value.clone() if isinstance(value, Tensor) else value, "FillBackward2")

    def zero_(self) -> Tensor:
        """Zero everywhere, in place."""
        return self._replace(0, "ZeroBackward0")

    def uniform_(self, from_: builtins.float = 0.0, to: builtins.float = 1.0, **named: Any) -> Tensor:
        """Random numbers, uniform in [from, to), in place: PyTorch's own.

        Raises:
            RuntimeError: if ``from`` is larger than ``to``.
            NotImplementedError: if the elements are no floating numbers.
        """
        # ``from`` is a keyword of Python's, but not inside a dictionary.
        low = named.pop("from", from_)
        generator = named.pop("generator", None) or default_generator
        if named:
            raise TypeError(f"uniform_() got an unexpected keyword argument '{next(iter(named))}'")
        return self._draw(lambda: generator.uniform(self.array.shape, low, to, self.array.dtype), "uniform_")

    def normal_(self, mean: builtins.float = 0.0, std: builtins.float = 1.0, *, generator: Any = None) -> Tensor:
        """Random numbers of a normal distribution, in place: PyTorch's own to rounding.

        Raises:
            RuntimeError: if ``std`` is negative.
            NotImplementedError: if the elements are no floating numbers.
        """
        source = generator or default_generator
        return self._draw(lambda: source.normal(self.array.shape, mean, std, self.array.dtype), "normal_")

    def _draw(self, draw: Callable[[], Any], name: str) -> Tensor:
        if self.array.dtype.kind != "f":
            raise NotImplementedError(f"{name} takes a floating tensor, got {self.dtype}")
        check_changeable(self)
        return self._replace(wrap(draw()), f"{name[:-1].capitalize()}Backward0")

    def __setitem__(self, index: Any, value: Any) -> None:
        indexing.setitem(self, index, value)

    __iadd__ = operator(add_)
    __isub__ = operator(sub_)
    __imul__ = operator(mul_)
    __itruediv__ = operator(div_)
    __ipow__ = operator(pow_)

    @operator
    def __iand__(self, other: Any) -> Tensor:
        return change(self, comparison.bitwise_and, other)

    @operator
    def __ior__(self, other: Any) -> Tensor:
        return change(self, comparison.bitwise_or, other)

    @operator
    def __ixor__(self, other: Any) -> Tensor:
        return change(self, comparison.bitwise_xor, other)

    # --- operations, which are functions first -------------------------------------------------------------------

    add = arithmetic.add
    sub = arithmetic.sub
    mul = arithmetic.mul
    div = arithmetic.div
    pow = arithmetic.pow
    matmul = linear.matmul
    __add__ = __radd__ = operator(arithmetic.add)
    __sub__ = operator(arithmetic.sub)
    __mul__ = __rmul__ = operator(arithmetic.mul)
    __truediv__ = operator(arithmetic.div)
    __pow__ = operator(arithmetic.pow)
    __rsub__ = operator(arithmetic.rsub)
    __rtruediv__ = operator(arithmetic.rdiv)
    __rpow__ = operator(arithmetic.rpow)
    __matmul__ = operator(linear.matmul)
    mm = linear.mm
    neg = __neg__ = elementwise.neg
    abs = __abs__ = elementwise.abs
    exp = elementwise.exp
    log = elementwise.log
    log1p = elementwise.log1p
    expm1 = elementwise.expm1
    sqrt = elementwise.sqrt
    square = elementwise.square
    reciprocal = elementwise.reciprocal
    sin = elementwise.sin
    cos = elementwise.cos
    clone = elementwise.clone
    sigmoid = activation.sigmoid
    tanh = activation.tanh
    relu = activation.relu
    softmax = softmaxes.softmax
    log_softmax = softmaxes.log_softmax
    maximum = arithmetic.maximum
    minimum = arithmetic.minimum
    clamp = arithmetic.clamp
    sum = reduction.sum
    mean = reduction.mean
    prod = reduction.prod
    var = reduction.var
    std = reduction.std
    max = reduction.max
    min = reduction.min
    argmax = reduction.argmax
    argmin = reduction.argmin
    all = reduction.all
    any = reduction.any
    t = shapes.t
    transpose = swapaxes = shapes.transpose
    permute = shapes.permute
    reshape = shapes.reshape
    view = shapes.view
    view_as = shapes.view_as
    flatten = shapes.flatten
    unflatten = shapes.unflatten
    squeeze = shapes.squeeze
    unsqueeze = shapes.unsqueeze
    expand = shapes.expand
    expand_as = shapes.expand_as
    contiguous = shapes.contiguous
    eq = comparison.eq
    ne = comparison.ne
    lt = comparison.lt
    le = comparison.le
    gt = comparison.gt
    ge = comparison.ge
    __lt__ = operator(comparison.lt)
    __le__ = operator(comparison.le)
    __gt__ = operator(comparison.gt)
    __ge__ = operator(comparison.ge)

    @operator
    def __eq__(self, other: Any) -> Any:
        return comparison.eq(self, other)

    @operator
    def __ne__(self, other: Any) -> Any:
        return comparison.ne(self, other)

    logical_and = comparison.logical_and
    logical_or = comparison.logical_or
    logical_not = comparison.logical_not
    __and__ = __rand__ = operator(comparison.bitwise_and)
    __or__ = __ror__ = operator(comparison.bitwise_or)
    __xor__ = __rxor__ = operator(comparison.bitwise_xor)
    __invert__ = comparison.bitwise_not
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    equal = comparison.equal
    allclose = comparison.allclose
    __getitem__ = indexing.getitem

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """This tensor where the condition holds, else the other."""
        return arithmetic.where(condition, self, other)

    @property
    def T(self) -> Tensor:
        """With the dimensions in reverse order."""
        return shapes.permute(self, *reversed(range(self.ndim)))

    @property
    def mT(self) -> Tensor:
        """With the last two dimensions swapped."""
        if self.ndim < 2:
            raise RuntimeError(
                f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor."
            )
        return shapes.transpose(self, -2, -1)

    # --- NumPy's protocols ---------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """``np.exp(t)`` is ``t.exp()``, ``array + t`` is ``t + array``; other ufuncs see the arrays.

        Raises:
            RuntimeError: if such an other one is applied to a tensor that requires gradients.
        """
        operation = UFUNCS.get(ufunc)
        if operation is not None and method == "__call__" and not options:
            return operation(*map(as_numpy_takes, inputs))
        arrays = [np.asarray(i) if isinstance(i, Tensor) else i for i in inputs]
        if any(isinstance(o, Tensor) for o in options.get("out", ())):
            return NotImplemented
        result = getattr(ufunc, method)(*arrays, **options)
        if "out" in options:
            # ``array += t`` leaves the array what it is.
            return result
        supported = isinstance(result, (np.ndarray, np.generic)) and result.dtype in BY_NUMPY
        return wrap(result) if supported else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """``np.where``, ``np.concatenate``, ``np.mean`` and others are recorded; the rest sees arrays."""
        return numpy_function(function, args, kwargs)

    # --- copies and pickles --------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor:
        if self.grad_fn is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment. Use detach().clone() instead."
            )
        copy = memo[id(self)] = _unpickled(type(self), self.array.copy(layout(self.array)), self._requires_grad)
        copy._grad = None if self._grad is None else self._grad.__deepcopy__(memo)
        vars(copy).update(deepcopy(self._attributes(), memo))
        return copy

    def __reduce__(self) -> Any:
        # Of a result only the numbers are kept: what is loaded is a leaf.
        return _unpickled, (type(self), self.array, self._requires_grad), self._attributes() or None

    def _attributes(self) -> dict[str, Any]:
        """What the user has set, beside what every tensor has."""
        return {name: value for name, value in vars(self).items() if name not in _OWN}


# A tensor's own attributes.
_OWN = {*Variable.__annotations__, "is_detached"}


def _unpickled(kind: type[Tensor], array: Any, requires_grad: bool) -> Tensor:
    tensor: Tensor = object.__new__(kind)
    Variable.__init__(tensor, array, requires_grad)
    return tensor


def from_data_or_sizes(data: tuple[Any, ...], dtype: DType) -> np.ndarray[Any, np.dtype[Any]]:
    """What PyTorch's older constructors make: an array of the data, or zeros of these sizes."""
    if not data:
        return np.zeros(0, dtype.numpy)
    if isinstance(data[0], Size):
        data = tuple(data[0])
    if not data or isinstance(data[0], (int, np.integer)):
        return np.zeros(data, dtype.numpy)
    if len(data) != 1 or isinstance(data[0], float):
        raise TypeError(f"expected data or sizes, got {data!r}")
    return from_data(data[0], dtype).array


_BY_TYPE_NAME = {f"torch.{kind}Tensor": dtype for dtype, kind in KINDS.items()}

# What the engine makes are tensors from now on.
Variable._default = Tensor
