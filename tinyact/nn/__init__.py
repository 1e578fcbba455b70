"""Networks: modules with parameters, the functions behind them, and initial values."""

from tinyact.nn import functional, init
from tinyact.nn.activation import (
    ELU,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Swish,
    Tanh,
)
from tinyact.nn.container import ModuleDict, ModuleList, Sequential
from tinyact.nn.dropout import Dropout
from tinyact.nn.linear import Identity, Linear
from tinyact.nn.loss import BCELoss
from tinyact.nn.module import Module
from tinyact.nn.parameter import Parameter

__all__ = [
    "BCELoss",
    "Dropout",
    "ELU",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Module",
    "ModuleDict",
    "ModuleList",
    "PReLU",
    "Parameter",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Swish",
    "Tanh",
    "functional",
    "init",
]
