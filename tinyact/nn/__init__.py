"""Networks: modules with parameters, the functions behind them, and initial values."""

import importlib
from typing import TYPE_CHECKING, Any

from tinyact.nn import activation, container, dropout, linear, loss, parameter
from tinyact.nn import functional as functional
from tinyact.nn import init as init
from tinyact.nn.activation import *
from tinyact.nn.container import *
from tinyact.nn.dropout import *
from tinyact.nn.linear import *
from tinyact.nn.loss import *
from tinyact.nn.module import Module as Module
from tinyact.nn.parameter import *

if TYPE_CHECKING:
    from tinyact.nn import utils as utils
else:

    def __getattr__(name: str) -> Any:
        if name == "utils":  # loaded when it is first used
            return importlib.import_module("tinyact.nn.utils")
        raise AttributeError(f"module 'tinyact.nn' has no attribute {name!r}")


if not TYPE_CHECKING:  # checkers leave out by themselves what is imported here, and don't all follow this
    __all__ = [name for file in (activation, container, dropout, linear, loss, parameter) for name in file.__all__]
    __all__ += ["Module", "functional", "init", "utils"]
