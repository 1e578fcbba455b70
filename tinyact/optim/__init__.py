"""Optimizers: rules that turn gradients into steps of the parameters.

Each rule is one short method on plain arrays, ``_update``: see `sgd` and `adam`. The rest (groups of parameters, saving
and loading the state, errors) is the same for all and stands in `optimizer`.
"""

from tinyact.optim.adam import Adam
from tinyact.optim.optimizer import Optimizer
from tinyact.optim.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
