"""Networks: modules with parameters, the functions behind them, and initial values."""

from typing import TYPE_CHECKING

from tinyact.nn import (
    activation,
    container,
    convolution,
    dropout,
    flatten,
    linear,
    loss,
    normalization,
    parameter,
    pooling,
    sparse,
)
from tinyact.nn import functional as functional
from tinyact.nn import init as init
from tinyact.nn.activation import *
from tinyact.nn.container import *
from tinyact.nn.convolution import *
from tinyact.nn.dropout import *
from tinyact.nn.flatten import *
from tinyact.nn.linear import *
from tinyact.nn.loss import *
from tinyact.nn.module import Module as Module
from tinyact.nn.normalization import *
from tinyact.nn.parameter import *
from tinyact.nn.pooling import *
from tinyact.nn.sparse import *

if not TYPE_CHECKING:  # checkers leave out by themselves what is imported here, and don't all follow this
    _files = (
        activation,
        container,
        convolution,
        dropout,
        flatten,
        linear,
        loss,
        normalization,
        parameter,
        pooling,
        sparse,
    )
    __all__ = ["Module", "functional", "init", *(name for file in _files for name in file.__all__)]
