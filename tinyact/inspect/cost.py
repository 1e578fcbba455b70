"""What a recorded operation costs: the memory it keeps for the derivatives, the multiplications of its products."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinyact.autograd.operation import Operation
from tinyact.functions.arithmetic import Div, Mul
from tinyact.functions.elementwise import Square
from tinyact.functions.linear import Dot, Linear, Matmul, Mv


def saved_bytes(operations: Iterable[Operation]) -> int:
    """The memory of saved values, where several look at the same memory once."""
    owners = {}
    for operation in operations:
        for array, _, _ in operation.saved or ():
            if isinstance(array, np.ndarray):
                while isinstance(array.base, np.ndarray):
                    array = array.base
                owners[id(array)] = array.nbytes
    return sum(owners.values())


def multiplications(operation: Operation) -> tuple[int, int]:
    """The multiplications of a product, forward and backward; (0, 0) for what is no product."""
    if isinstance(operation, (Linear, Matmul, Mv, Dot)):
        each = _inner(operation)
    elif isinstance(operation, (Mul, Div, Square)):
        each = 1
    else:
        return 0, 0
    forward = math.prod(operation.shape) * each
    # The gradient for either factor takes as many again; that for Linear's bias, the third input, is a sum.
    return forward, forward * sum(rule.input < 2 for rule in operation.plan.rules)


def _inner(operation: Operation) -> int:
    """How many products are added up for one element of a matrix product."""
    for place, edge in enumerate(operation.edges[:2]):
        if edge is not None:
            shape = edge.shape if isinstance(edge, Operation) else edge.array.shape
            second_of_matmul = place == 1 and isinstance(operation, Matmul)
            return int(shape[-2 if second_of_matmul else -1])
    # Only the bias is learned: then one of the factors' sizes isn't kept, and there is no product to take back.
    return 0


def bytes_text(count: int) -> str:
    """``"1.97 MB"``

    Example:
        >>> bytes_text(64), bytes_text(1970000)
        ('64 B', '1.97 MB')
    """
    thousands = min((len(str(count)) - 1) // 3, 3)
    return f"{count / 1000**thousands:.3g} {('B', 'kB', 'MB', 'GB')[thousands]}"
