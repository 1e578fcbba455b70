"""What importing the library brings along."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import tinyact

CODE = """
import sys
before = {name.partition(".")[0] for name in sys.modules}
import tinyact
new = {name.partition(".")[0] for name in sys.modules} - before - set(sys.stdlib_module_names)
print(sorted(name for name in new if not name.startswith(("_cython", "cython"))))
"""


def test_numpy_alone() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['numpy', 'tinyact']"


def test_a_star_import_brings_what_the_files_list() -> None:
    names: dict[str, object] = {}
    exec("from tinyact import *", names)
    for file in ("arithmetic", "comparison", "elementwise", "reduction", "shape"):
        module = importlib.import_module(f"tinyact.functions.{file}")
        for name in module.__all__:
            assert names[name] is getattr(module, name) is getattr(tinyact, name)
    for name in tinyact.creation.__all__:
        assert names[name] is getattr(tinyact.creation, name)
    assert {"Tensor", "float32", "nn", "optim", "no_grad", "manual_seed", "matmul", "softmax", "inspect"} <= set(names)
    assert not {"Any", "creation", "functions", "kernels", "bool_", "importlib", "printing"} & set(names)


def test_star_imports_of_nn() -> None:
    names: dict[str, object] = {}
    exec("from tinyact.nn import *; from tinyact.nn.functional import *; from tinyact.nn import *", names)
    assert names["dropout"] is tinyact.nn.functional.dropout
    assert names["linear"] is tinyact.nn.functional.linear
    assert names["Conv2d"] is tinyact.nn.Conv2d
    assert names["layer_norm"] is tinyact.nn.functional.layer_norm
    assert {"Module", "Parameter", "Linear", "ELU", "BCELoss", "Sequential", "activations", "init"} <= set(names)
    assert not {"Any", "container", "hooks", "documented", "ActivationModule"} & set(names)


def test_what_few_programs_need_is_loaded_when_used() -> None:
    for name in ("inspect", "utils"):
        code = f"import sys, tinyact; before = 'tinyact.{name}' in sys.modules; print(before, tinyact.{name}.__name__)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["False", f"tinyact.{name}"]


def test_layers_that_few_programs_need_are_loaded_when_used() -> None:
    code = (
        "import sys, tinyact; from tinyact.nn import Conv2d; import tinyact.nn.functional as F; "
        "print(F.conv2d.__module__, Conv2d.__module__, tinyact.nn.BatchNorm1d.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "tinyact.functions.convolution", "tinyact.nn.convolution", "tinyact.nn.normalization",
    ]  # fmt: skip
    code = "import sys, tinyact; print([n for n in sys.modules if 'tinyact' in n and 'convolution' in n])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_names_are_missing() -> None:
    for module in (tinyact.nn, tinyact.nn.functional):
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'Transformer'"):
            module.Transformer  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match="module 'tinyact' has no attribute 'outspect'"):
        tinyact.outspect  # type: ignore[attr-defined]  # noqa: B018
