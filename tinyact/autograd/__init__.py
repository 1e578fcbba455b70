"""Reverse-mode automatic differentiation: the graph, the sweep through it, and what users call."""

from tinyact.autograd import functional
from tinyact.autograd.anomaly import (
    detect_anomaly,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_detect_anomaly,
)
from tinyact.autograd.api import backward, grad
from tinyact.autograd.function import Function
from tinyact.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from tinyact.autograd.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

__all__ = [
    "Function",
    "GradcheckError",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
