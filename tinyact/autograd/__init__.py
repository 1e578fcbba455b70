"""Reverse-mode automatic differentiation: the graph, the sweep through it, and what users call."""

from tinyact.autograd import functional as functional
from tinyact.autograd.anomaly import *
from tinyact.autograd.api import backward as backward
from tinyact.autograd.api import grad as grad
from tinyact.autograd.function import Function as Function
from tinyact.autograd.gradcheck import GradcheckError as GradcheckError
from tinyact.autograd.gradcheck import gradcheck as gradcheck
from tinyact.autograd.gradcheck import gradgradcheck as gradgradcheck
from tinyact.autograd.modes import *
