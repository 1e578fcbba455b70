"""A node of the graph; see `engine`."""

from typing import TYPE_CHECKING

from tinyact.autograd.engine import Operation as Operation
from tinyact.autograd.engine import edge_of as edge_of

if TYPE_CHECKING:
    from tinyact.tensor import Tensor

    Variable = Tensor
