"""Optimizers: rules that turn gradients into steps of the parameters.

Each rule is one short method on plain arrays, ``_update``: see `sgd` and `adam`. The rest (groups of parameters, saving
and loading the state, errors) is the same for all and stands in `optimizer`.
"""

from tinyact.optim.adagrad import Adagrad
from tinyact.optim.adam import Adam, AdamW
from tinyact.optim.nadam import NAdam, RAdam
from tinyact.optim.optimizer import Optimizer
from tinyact.optim.rmsprop import RMSprop
from tinyact.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "NAdam", "Optimizer", "RAdam", "RMSprop"]
