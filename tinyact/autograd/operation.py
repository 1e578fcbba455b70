"""A node of the graph; see `engine`."""

from tinyact.autograd.engine import Operation as Operation
from tinyact.autograd.engine import edge_of as edge_of
