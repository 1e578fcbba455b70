"""Networks: modules with parameters, the functions behind them, and initial values."""

from tinyact.nn import functional, init
from tinyact.nn.activation import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Maxout,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    ReLUSquared,
    RReLU,
    Sigmoid,
    SiLU,
    Snake,
    Softmax,
    Softmin,
    Softplus,
    Softshrink,
    Softsign,
    Swish,
    Tanh,
    Tanhshrink,
    Threshold,
    activations,
)
from tinyact.nn.container import ModuleDict, ModuleList, Sequential
from tinyact.nn.dropout import Dropout
from tinyact.nn.linear import Identity, Linear
from tinyact.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from tinyact.nn.module import Module
from tinyact.nn.parameter import Parameter

# fmt: off
__all__ = [
    "activations", "BCELoss", "BCEWithLogitsLoss", "CELU", "CrossEntropyLoss", "Dropout", "ELU", "functional", "GELU",
    "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "HuberLoss", "Identity", "init", "KLDivLoss",
    "L1Loss", "LeakyReLU", "Linear", "LogSigmoid", "LogSoftmax", "Maxout", "Mish", "Module", "ModuleDict",
    "ModuleList", "MSELoss", "NLLLoss", "Parameter", "PReLU", "ReLU", "ReLU6", "ReLUSquared", "RReLU", "SELU",
    "Sequential", "Sigmoid", "SiLU", "SmoothL1Loss", "Snake", "Softmax", "Softmin", "Softplus", "Softshrink",
    "Softsign", "Swish", "Tanh", "Tanhshrink", "Threshold",
]
# fmt: on
