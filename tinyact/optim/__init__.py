"""Optimizers: rules that turn gradients into steps of the parameters; and in `lr_scheduler` schedules for their rates.

Each rule is one short method on plain arrays, ``_update``: see `sgd` and `adam`. The rest (groups of parameters, saving
and loading the state, errors) is the same for all and stands in `optimizer`.
"""

from typing import TYPE_CHECKING

from tinyact.later import later as _later
from tinyact.optim.adagrad import Adagrad
from tinyact.optim.adam import Adam, AdamW
from tinyact.optim.nadam import NAdam, RAdam
from tinyact.optim.optimizer import Optimizer
from tinyact.optim.rmsprop import RMSprop
from tinyact.optim.sgd import SGD

if TYPE_CHECKING:
    from tinyact.optim import lr_scheduler as lr_scheduler
else:
    __getattr__ = _later(globals(), {"lr_scheduler": "tinyact.optim.lr_scheduler"})

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "NAdam", "Optimizer", "RAdam", "RMSprop", "lr_scheduler"]
