"""How far the results of tinyact and of PyTorch are off, in units in the last place (ULP)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from reference.formulas import FORMULAS, Exact, Wide


def run(module: Any, name: str, array: Any) -> tuple[Any, Any]:
    """Value and derivative in tinyact or PyTorch, as arrays."""
    functional, x = module.nn.functional, module.from_numpy(array).requires_grad_()
    y = functional.gelu(x, approximate="tanh") if name == "gelu_tanh" else getattr(functional, name)(x)
    y.backward(module.from_numpy(np.ones_like(array)))
    return y.detach().numpy(), x.grad.numpy()


def ulps(result: Any, truth: Any) -> Any:
    """How far results are off, in units in the last place of their own dtype at the true value."""
    unit = np.spacing(np.abs(truth).astype(result.dtype)).astype(truth.dtype)
    return np.abs(result.astype(truth.dtype) - truth) / unit


def exact(name: str, which: int, x: Any) -> Any:
    """The true value (0) or derivative (1): longdouble for float32, rounded from 60 digits for float64."""
    formula = FORMULAS[name][which]
    if x.dtype == np.float32:
        with np.errstate(all="ignore"):
            return formula(Wide, x.astype(np.longdouble))
    import mpmath

    m = Exact()
    # Through text, since longdouble takes no mpmath number; beyond its range nothing counts anyway.
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.array([np.longdouble(mpmath.nstr(formula(m, mpmath.mpf(float(v))), 30)) for v in x])


def errors(result: Any, truth: Any, x: Any) -> dict[str, float]:
    """The largest error and where it lies, and the mean."""
    finite = np.isfinite(result) & np.isfinite(truth.astype(result.dtype))
    off = ulps(result[finite], truth[finite])
    worst = int(off.argmax())
    return {"max": float(off[worst]), "at": float(x[finite][worst]), "mean": float(off.mean())}
