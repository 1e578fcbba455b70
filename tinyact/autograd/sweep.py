"""The sweep; see `engine`."""

from tinyact.autograd.engine import fitted as fitted
from tinyact.autograd.engine import order as order
from tinyact.autograd.engine import sweep as sweep
