"""The core differentiates without the rest of the library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import tinyact

PROGRAM = """
import sys, types
# The package, without what importing it brings along.
package = types.ModuleType("tinyact")
package.__path__ = [sys.argv[1]]
sys.modules["tinyact"] = package

import numpy as np
import tinyact.autograd
from tinyact.autograd.operation import Operation, Variable

class Mul(Operation):
    def forward(self, a, b):
        return a * b

    def grad_a(self, grad, b):
        return grad * b

    def grad_b(self, grad, a):
        return grad * a

a, b = Variable(np.array([3.0, 4.0]), requires_grad=True), Variable(np.array(2.0), requires_grad=True)
y = Mul().apply(Mul().apply(a, a), b)
assert type(y) is Variable
tinyact.autograd.backward(y, Variable(np.ones(2)))
print(y.array, a.grad.array, b.grad.array, y.grad_fn.name())
seen = []

class Look(tinyact.autograd.watch.Watcher):
    def recorded(self, node, inputs, outputs):
        seen.append(node.name())

with tinyact.autograd.watch.watching(Look()):
    (g,) = tinyact.autograd.grad(Mul().apply(a, b), b, Variable(np.ones(2)))
print(g.array, seen)
print(sorted(name for name in sys.modules if name.startswith("tinyact.") and ".autograd" not in name))
"""


def test_a_program_of_variables() -> None:
    folder = str(Path(tinyact.__file__).parent)
    done = subprocess.run([sys.executable, "-c", PROGRAM, folder], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[18. 32.] [12. 16.] 25.0 MulBackward0",
        "7.0 ['MulBackward0']",
        # PyTorch's names for dtypes, and figures of arrays, for the words of errors.
        "['tinyact.dtype', 'tinyact.numbers']",
    ]


def test_it_is_read_in_one_sitting() -> None:
    folder = Path(tinyact.__file__).parent / "autograd"
    lines = [(folder / name).read_text("utf-8").count("\n") for name in ("operation.py", "sweep.py")]
    assert sum(lines) <= 400
