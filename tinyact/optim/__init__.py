"""Optimizers: rules that turn gradients into steps of the parameters; and in `lr_scheduler` schedules for their rates.

Each rule is one short method on plain arrays, ``_update``: see `sgd` and `adam`. The rest (groups of parameters, saving
and loading the state, errors) is the same for all and stands in `optimizer`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tinyact.optim.adagrad import Adagrad
from tinyact.optim.adam import Adam, AdamW
from tinyact.optim.nadam import NAdam, RAdam
from tinyact.optim.optimizer import Optimizer
from tinyact.optim.rmsprop import RMSprop
from tinyact.optim.sgd import SGD

if TYPE_CHECKING:
    from tinyact.optim import lr_scheduler as lr_scheduler
else:

    def __getattr__(name: str) -> Any:
        if name == "lr_scheduler":  # loaded when it is first used
            return importlib.import_module("tinyact.optim.lr_scheduler")
        raise AttributeError(f"module 'tinyact.optim' has no attribute {name!r}")


__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "NAdam", "Optimizer", "RAdam", "RMSprop", "lr_scheduler"]
