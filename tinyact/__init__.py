"""tinyact: reverse-mode automatic differentiation in NumPy, shaped like PyTorch and written to be read.

Start with `tinyact.autograd.engine` (an operation, the sweep), then any file of `tinyact.functions`.
"""

from typing import TYPE_CHECKING, Any

from tinyact import autograd, nn, optim, random
from tinyact.autograd import (
    enable_grad,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from tinyact.creation import (
    DoubleTensor,
    FloatTensor,
    LongTensor,
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from tinyact.dtype import bool_ as bool
from tinyact.dtype import dtype, float32, float64, int8, int16, int32, int64, uint8
from tinyact.functions import (
    abs,
    add,
    all,
    allclose,
    any,
    argmax,
    argmin,
    cat,
    clamp,
    clone,
    cos,
    div,
    eq,
    equal,
    exp,
    expm1,
    flatten,
    ge,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    log,
    log1p,
    log_softmax,
    logical_and,
    logical_not,
    logical_or,
    lt,
    matmul,
    max,
    maximum,
    mean,
    min,
    minimum,
    mm,
    mul,
    ne,
    neg,
    permute,
    pow,
    prod,
    reciprocal,
    relu,
    reshape,
    sigmoid,
    sin,
    softmax,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    sub,
    sum,
    t,
    tanh,
    transpose,
    unsqueeze,
    var,
    where,
)
from tinyact.parallel import get_num_threads, set_num_threads
from tinyact.printing import set_printoptions
from tinyact.random import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from tinyact.tensor import Size, Tensor

if TYPE_CHECKING:
    from tinyact import inspect
else:

    def __getattr__(name: str) -> Any:
        # Loaded when it is first used: most programs never look inside, and would wait for it.
        if name != "inspect":
            raise AttributeError(f"module 'tinyact' has no attribute {name!r}")
        import tinyact.inspect

        return tinyact.inspect


float = float32
double = float64
short = int16
int = int32
long = int64

# fmt: off
__all__ = [
    "abs", "add", "all", "allclose", "any", "arange", "argmax", "argmin", "as_tensor", "autograd", "bool", "cat",
    "clamp", "clone", "cos", "div", "double", "DoubleTensor", "dtype", "empty", "empty_like", "enable_grad", "eq",
    "equal", "exp", "expm1", "eye", "flatten", "float", "float32", "float64", "FloatTensor", "from_numpy", "full",
    "full_like", "ge", "Generator", "get_num_threads", "get_rng_state", "gt", "initial_seed", "inspect", "int", "int16",
    "int32", "int64", "int8", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "is_grad_enabled", "isfinite",
    "isinf", "isnan", "le", "linspace", "log", "log1p", "log_softmax", "logical_and", "logical_not",
    "logical_or", "long", "LongTensor", "lt", "manual_seed", "matmul",
    "max", "maximum", "mean", "min", "minimum", "mm", "mul", "ne", "neg", "nn", "no_grad", "ones", "ones_like", "optim",
    "permute", "pow", "prod", "rand", "rand_like", "randint", "randn", "randn_like", "random", "randperm", "reciprocal",
    "relu", "reshape", "seed", "set_grad_enabled", "set_num_threads", "set_printoptions", "set_rng_state", "short",
    "sigmoid", "sin", "Size", "softmax", "sqrt", "square", "squeeze", "stack", "std", "sub", "sum", "t", "tanh",
    "Tensor", "tensor", "transpose", "uint8", "unsqueeze", "var", "where", "zeros", "zeros_like",
]
# fmt: on

__version__ = "0.1.0"
