"""Networks: modules with parameters, the functions behind them, and initial values."""

from typing import TYPE_CHECKING

from tinyact.later import later as _later
from tinyact.nn import activation, container, dropout, flatten, linear, loss, parameter
from tinyact.nn import functional as functional
from tinyact.nn import init as init
from tinyact.nn.activation import *
from tinyact.nn.container import *
from tinyact.nn.dropout import *
from tinyact.nn.flatten import *
from tinyact.nn.linear import *
from tinyact.nn.loss import *
from tinyact.nn.module import Module as Module
from tinyact.nn.parameter import *

if TYPE_CHECKING:  # checkers leave out by themselves what is imported here, and don't all follow `__all__`
    from tinyact.nn import utils as utils
    from tinyact.nn.bilinear import *
    from tinyact.nn.convolution import *
    from tinyact.nn.normalization import *
    from tinyact.nn.pooling import *
    from tinyact.nn.sparse import *
else:
    _names = [
        name for file in (activation, container, dropout, flatten, linear, loss, parameter) for name in file.__all__
    ]
    _files = [f"tinyact.nn.{file}" for file in ("bilinear", "convolution", "normalization", "pooling", "sparse")]
    _names += ["Module", "functional", "init", "utils"]
    __getattr__ = _later(globals(), {"utils": "tinyact.nn.utils"}, _names, _files)
