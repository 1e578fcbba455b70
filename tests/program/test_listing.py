"""The program as text: read, saved, run by a bare interpreter, and measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinyact
from tests.program.test_compiled import ACTIVATIONS, LOSSES, OPTIMIZERS, training
from tests.program.twins import Maker, cases
from tinyact import nn
from tinyact.nn import functional as F

# Runs a saved program several times in an interpreter that has NumPy only (and the standard library).
BARE = """
import importlib.util, sys
path, name, steps, out, packages = sys.argv[1:]
sys.path.append(packages)
import numpy
assert importlib.util.find_spec("tinyact") is None
spec = importlib.util.spec_from_file_location("saved", path)
saved = importlib.util.module_from_spec(spec)
spec.loader.exec_module(saved)

def flat(thing):
    if isinstance(thing, dict):
        thing = list(thing.values())
    return sum(map(flat, thing), []) if isinstance(thing, (tuple, list)) else [numpy.array(thing)]

start = saved.start()
results = [array for _ in range(int(steps)) for array in flat(getattr(saved, name)(**start))]
assert "tinyact" not in sys.modules
numpy.savez(out, *results)
"""


def flat(thing: Any) -> list[Any]:
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, (tuple, list)):
        return [array for part in thing for array in flat(part)]
    return [np.array(thing.detach() if isinstance(thing, tinyact.Tensor) else thing)]


def check_saved(make: Maker, path: Path, steps: int = 3) -> str:
    """The saved file gives the same bits as the function, which goes on from where the file starts; its text."""
    tinyact.manual_seed(0)
    function, _ = make()
    compiled = tinyact.compile(function, fullgraph=True)
    for _ in range(3):
        compiled()
    file = path / "saved.py"
    compiled.program().save(file)
    text = file.read_text(encoding="utf-8")
    name = text.rpartition("print(")[2].partition("(")[0]
    out = path / "out.npz"
    packages = path / "packages"
    packages.mkdir(exist_ok=True)
    for numpy in Path(np.__file__).parents[1].glob("numpy*"):
        (packages / numpy.name).unlink(missing_ok=True)
        (packages / numpy.name).symlink_to(numpy)
    command = [sys.executable, "-I", "-S", "-c", BARE, str(file), name, str(steps), str(out), str(packages)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=path, check=False)
    assert run.returncode == 0, run.stderr
    wanted = [array for _ in range(steps) for array in flat(function())]
    with np.load(out) as arrays:
        saved = list(arrays.values())
    assert len(saved) == len(wanted)
    for mine, other in zip(saved, wanted, strict=True):
        assert (mine.dtype, mine.shape, mine.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return text


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_saved_with_each_optimizer(optimizer: str, tmp_path: Path) -> None:
    check_saved(training(optimizer=optimizer), tmp_path)


@pytest.mark.parametrize("loss", LOSSES)
def test_saved_with_each_loss(loss: str, tmp_path: Path) -> None:
    check_saved(training("Tanh", loss=loss), tmp_path)


@pytest.mark.parametrize(
    "activation",
    # GELU's Φ is SciPy's.
    cases({name: name for name in ACTIVATIONS if name not in ("RReLU", "GELU")}),
)
def test_saved_with_each_activation(activation: str, tmp_path: Path) -> None:
    check_saved(training(activation, "SGD"), tmp_path)


X = tinyact.arange(12.0).reshape(4, 3) / 7 - 1


def _set_row(x: Any) -> Any:
    x = x.clone()
    x[0, :] = 5.0
    x[1:3] = x[2:].clone()
    x[2, 0] = x[0, 1]
    return x


def _cross_entropy(x: Any) -> Any:
    return F.cross_entropy(x, tinyact.tensor([0, 1, 2, 1]))


SAVED: dict[str, Callable[[Any], Any]] = {
    "functions": lambda x: x.exp() + x.tanh() - x.sin() * x.cos(),
    "precedence": lambda x: (x - (x - (x - 1)), x / (x / (x / 2)), -(x**2), (-x) ** 2, (x**2) ** 3, 2 ** (x * 2)),
    "negative numbers": lambda x: (x * -2, x - -2.5, -2 - x, x / -3),
    "comparisons": lambda x: (x > 0, (x > 0).logical_and(x < 1), (x > 0).logical_not(), x == x),
    "comparison of comparisons": lambda x: (x > 0) == (x < 1),
    "not a number": lambda x: (x * float("nan"), x * float("inf"), x.clamp(max=float("-inf"))),
    "indices": lambda x: (x[1:, ::2], x[..., 0], x[None], x[[0, 1], [1, 2]], x[-1], x[:, -1:], x[x.argmax(0)]),
    "assignments": _set_row,
    "in place": lambda x: x.clone().add_(1).mul_(x).div_(3),
    "kinds of numbers": lambda x: (x.double() * 2, x.int() * 2, (x > 0).float(), x.argmax(1)),
    "reductions": lambda x: (x.sum(), x.mean(0), x.sum(1, keepdim=True), x.prod(), x.std(), x.var(0), x.min()),
    "shapes": lambda x: (x.T, x.reshape(2, -1), x[0].expand(2, 3) * 1, x.unsqueeze(0), x.flatten()),
    "cat and stack": lambda x: (tinyact.cat([x, x * 2]), tinyact.stack([x, x * 2], 1)),
    "where": lambda x: tinyact.where(x > 0, x, 0),
    "matmul": lambda x: x @ (x.T @ x),
    "constants": lambda x: (x * tinyact.tensor([1.0, 2.0, 3.0]), x * tinyact.tensor(2.5), tinyact.zeros(3) + x[0]),
    "numbers": lambda x: (x.sum().item() * 2, -(x.sum().item() ** 2), x * -x.sum().item(), abs(x[0, 0].item())),
    "NumPy": lambda x: (np.tanh(x.numpy()) + np.sort(x.numpy()), x.numpy().sum(axis=0, keepdims=True)),
    "einsum": lambda x: np.einsum("ij,kj->ik", x.numpy(), x.numpy()),
    "gradient": lambda x: _gradient(x),
    "hessian": lambda x: tinyact.autograd.functional.hessian(lambda v: (v.sin() * v).sum(), x[0]),
    "jacobian": lambda x: tinyact.autograd.functional.jacobian(lambda v: v.tanh(), x[0]),
    "max of a dimension": lambda x: tuple(x.max(1)),
    "nested": lambda x: {"a": x * 2, "b": [x + 1, 1, "s", None][:2]},
    "softmax": lambda x: F.softmax(x, 1),
    "cross entropy": _cross_entropy,
    "the argument": lambda x: (x, x * 2),
}


def _gradient(x: Any) -> Any:
    w = x.clone().requires_grad_()
    (grad,) = tinyact.autograd.grad((w.tanh() * w).sum(), w)
    return grad


@pytest.mark.parametrize("function", cases(SAVED))
def test_saved(function: Callable[[Any], Any], tmp_path: Path) -> None:
    x = X + 0
    check_saved(lambda: (lambda: function(x), []), tmp_path)


# Names that the file needs itself, or that are no names in Python.
NAMES = ["np", "start", "Path", "loss", "t1", "y1", "n1", "d_y1", "arrays", "print", "dict", "__file__"]


@pytest.mark.parametrize("name", cases({name: name for name in NAMES}))
def test_saved_with_names_that_are_taken(name: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {name: X + 0, "other": X * 2}
    exec(
        f"def make():\n    global step\n    {name}, other = things\n    def step():\n        "
        f"return ({name} * 2 + other * {name}).exp()\n    return step, []",
        module := {"things": list(names.values()), "__name__": __name__},
    )
    check_saved(module["make"], tmp_path)


def test_a_functions_name_may_be_a_keyword(tmp_path: Path) -> None:
    def function() -> Any:
        return X * 2

    for name in ("class", "lambda", "None", "<lambda>", "1st", "start", "np"):
        function.__name__ = name
        if name in ("start", "np", "None"):
            continue
        check_saved(lambda: (function, []), tmp_path)


@pytest.mark.parametrize(
    "name",
    cases({name: name for name in ["start", "np", "None"]}),
)
def test_a_functions_name_may_be_one_of_the_files(name: str, tmp_path: Path) -> None:
    def function() -> Any:
        return X * 2

    function.__name__ = name
    check_saved(lambda: (function, []), tmp_path)


def test_a_program_with_random_numbers_is_not_saved(tmp_path: Path) -> None:
    compiled = tinyact.compile(lambda: tinyact.rand(3))
    compiled()
    with pytest.raises(NotImplementedError, match="random"):
        compiled.program().save(tmp_path / "saved.py")
    with pytest.raises(ValueError, match=r"\.py"):
        compiled.program().save(tmp_path / "saved.txt")
    assert not list(tmp_path.iterdir())


# --- to read ---------------------------------------------------------------------------------------------------------


class Notebook(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(100, 16)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(16, 1)

    def forward(self, x: Any) -> Any:
        return tinyact.sigmoid(self.fc2(self.act(self.fc1(x))))


def notebook() -> tuple[Any, list[Any]]:
    tinyact.manual_seed(0)
    network = Notebook()
    criterion, optimizer = nn.BCELoss(), tinyact.optim.Adam(network.parameters(), lr=0.01)
    x, y = (
        tinyact.randn(40, 100),
        tinyact.rand(40, 1).round() if hasattr(tinyact.Tensor, "round") else tinyact.ones(40, 1),
    )

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(network(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, [network, optimizer]


def test_the_notebooks_step_reads_as_a_person_would_have_written_it(tmp_path: Path) -> None:
    step, _ = notebook()
    compiled = tinyact.compile(step)
    for _ in range(3):
        compiled()
    text = str(compiled.program())
    for heading in ("# fc1: Linear", "# ReLU", "# fc2: Linear", "# Sigmoid", "# backward", "# Adam: fc1_weight"):
        assert heading in text
    for name in ("fc1_weight", "fc2_bias", "z1", "d_fc1_weight", "loss"):
        assert name in text
    order = [text.index(part) for part in ("# fc1: Linear", "# ReLU", "# fc2: Linear", "# backward", "# Adam")]
    assert order == sorted(order)
    assert "tinyact" not in text
    assert max(map(len, text.splitlines())) <= 160
    assert 40 <= len(compiled.program()) <= 90
    compile(text, "program", "exec")
    check_saved(notebook, tmp_path, 5)


def test_the_optimized_program_is_what_runs() -> None:
    step, _ = notebook()
    compiled = tinyact.compile(step)
    for _ in range(3):
        compiled()
    text = str(compiled.program(optimized=True))
    assert text.startswith("def replay(")
    assert text != str(compiled.program())
    compile(text, "program", "exec")


def test_table() -> None:
    step, (network, _) = notebook()
    compiled = tinyact.compile(step)
    for _ in range(3):
        compiled()
    before = [p.tolist() for p in network.parameters()]
    table = compiled.program().table(seconds=0.05)
    assert [p.tolist() for p in network.parameters()] == before
    assert len(table.rows) >= len(compiled.program())
    assert all(cost > 0 for cost, _ in table.rows)
    lines = str(table).splitlines()
    assert len(lines) == len(table.rows) + 1
    assert all("µs" in line and "%" in line for line in lines)
    assert "100.0%" in lines[-1]
    assert table._repr_html_().startswith("<pre>")


def test_html() -> None:
    compiled = tinyact.compile(lambda x: (x < 1) & (x > 0) if hasattr(tinyact.Tensor, "__and__") else x < 1)
    compiled(X)
    html = compiled.program()._repr_html_()
    assert html.startswith("<pre")
    assert html.endswith("</pre>")
    assert "&lt;" in html
    assert "x < 1" not in html


def test_repr_is_the_text() -> None:
    compiled = tinyact.compile(lambda x: x * 2)
    compiled(X)
    assert repr(compiled.program()) == str(compiled.program())


def test_there_is_no_program_before_the_first_call() -> None:
    with pytest.raises(RuntimeError, match="call the function first"):
        tinyact.compile(lambda x: x).program()
