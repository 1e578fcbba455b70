"""Networks: modules with parameters, the functions behind them, and initial values."""

from tinyact.nn import functional as functional
from tinyact.nn import init as init
from tinyact.nn.activation import *
from tinyact.nn.container import *
from tinyact.nn.dropout import *
from tinyact.nn.linear import *
from tinyact.nn.loss import *
from tinyact.nn.module import Module as Module
from tinyact.nn.parameter import *
