"""tinyact: reverse-mode automatic differentiation in NumPy, shaped like PyTorch and written to be read.

Start with `tinyact.autograd.operation` and `tinyact.autograd.sweep`, the core; then read any file of
`tinyact.functions`.
"""

from types import ModuleType
from typing import TYPE_CHECKING

from tinyact import autograd as autograd
from tinyact import nn as nn
from tinyact import optim as optim
from tinyact import random as random
from tinyact.autograd.anomaly import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from tinyact.autograd.anomaly import is_anomaly_enabled as is_anomaly_enabled
from tinyact.autograd.modes import *
from tinyact.creation import *
from tinyact.creation import tensor as tensor  # not the file of that name
from tinyact.device import *
from tinyact.dtype import *
from tinyact.dtype import bool_ as bool_
from tinyact.functions.activation import relu as relu
from tinyact.functions.activation import sigmoid as sigmoid
from tinyact.functions.activation import tanh as tanh
from tinyact.functions.arithmetic import *
from tinyact.functions.comparison import *
from tinyact.functions.elementwise import *
from tinyact.functions.linear import matmul as matmul
from tinyact.functions.linear import mm as mm
from tinyact.functions.reduction import *
from tinyact.functions.shape import *
from tinyact.functions.softmax import log_softmax as log_softmax
from tinyact.functions.softmax import softmax as softmax
from tinyact.kernels import get_num_threads as get_num_threads
from tinyact.kernels import set_num_threads as set_num_threads
from tinyact.later import later as _later
from tinyact.printing import set_printoptions as set_printoptions
from tinyact.random import *
from tinyact.tensor import Size as Size
from tinyact.tensor import Tensor as Tensor

if TYPE_CHECKING:
    from tinyact import inspect as inspect
    from tinyact import utils as utils
    from tinyact.program import compile as compile
    from tinyact.utils.saving import load as load
    from tinyact.utils.saving import save as save
else:
    _LATER = {
        "compile": "tinyact.program:compile",
        "inspect": "tinyact.inspect",
        "load": "tinyact.utils.saving:load",
        "save": "tinyact.utils.saving:save",
        "utils": "tinyact.utils",
    }
    __getattr__ = _later(globals(), _LATER)

bool = bool_
float = float32
double = float64
short = int16
int = int32
long = int64

if not TYPE_CHECKING:  # checkers leave out by themselves what is imported here only to be used here
    __all__ = [name for name, value in globals().items() if name[0] != "_" and not isinstance(value, ModuleType)]
    __all__ = [name for name in __all__ if name not in ("TYPE_CHECKING", "ModuleType", "bool_")]
    __all__ += ["autograd", "nn", "optim", "random", *_LATER]

__version__ = "0.1.0"
