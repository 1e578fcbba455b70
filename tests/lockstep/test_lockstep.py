"""Two thousand random programs; and the fuzzer itself: it has every operation, finds, shrinks and hides nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import tinyact
from tests.lockstep.differences import DIFFERENCES
from tests.lockstep.draw import CHOICES
from tests.lockstep.runner import drawn, quiet, run, shrunk
from tests.lockstep.search import COMPILED, Tally, compiled_differs, program_differs
from tests.lockstep.table import MODES, PRELUDE, STEPS

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"


@pytest.mark.parametrize("part", range(4))
def test_two_thousand_programs(part: int) -> None:
    tally = Tally()
    with quiet():
        found = [text for seed in range(part, 2000, 4) if (text := program_differs(seed, tally))]
    assert not found, "\n\n".join(found)
    assert tally.steps > 8 * tally.programs


def test_some_of_them_compiled() -> None:
    with quiet():
        found = [text for seed in range(0, 2000, COMPILED) if (text := compiled_differs(seed, Tally()))]
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("entry", DIFFERENCES, ids=lambda entry: entry.quote)
def test_what_is_let_through_is_named(entry: Any) -> None:
    assert " ".join(entry.quote.split()) in " ".join(PAGE.read_text("utf-8").split())


# Public names that stand in no step: what is compared after each, and what PyTorch has in another form.
ABSENT = {"TYPE_CHECKING", "compile", "grad_fn", "inspect", "is_leaf", "random"}
ABSENT |= {"get_num_threads", "get_rng_state", "initial_seed", "seed", "set_num_threads", "set_rng_state"}
ABSENT |= {"is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_default_dtype"}
ABSENT |= {"accelerator", "backends", "cuda", "utils"}
# These layers are only held against PyTorch in the tests of their own files.
ABSENT |= {"AvgPool1d", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Bilinear", "Conv1d", "Conv2d", "Embedding"}
ABSENT |= {"Flatten", "LayerNorm", "MaxPool1d", "MaxPool2d", "RMSNorm", "Unflatten", "avg_pool1d", "avg_pool2d"}
ABSENT |= {"batch_norm", "bilinear", "conv1d", "conv2d", "embedding", "layer_norm", "max_pool1d", "max_pool2d"}
ABSENT |= {"one_hot", "rms_norm"}


def test_every_public_operation_has_a_step() -> None:
    steps = [step for _, steps in STEPS for step in steps]
    steps += [step.replace("{arithmetic}", word) for step in steps for word in CHOICES["arithmetic"]]
    text = " ".join([*steps, PRELUDE, *MODES, *(word for words in CHOICES.values() for word in words)])
    public = [name for name in dir(tinyact) if not name.startswith("_") and hasattr(torch, name)]
    public += [name for name in dir(tinyact.Tensor) if not name.startswith("_") and hasattr(torch.Tensor, name)]
    public += [name for name in tinyact.nn.functional.__all__ if hasattr(torch.nn.functional, name)]
    public += [name for name in tinyact.nn.__all__ if hasattr(torch.nn, name)]
    missing = {name for name in public if not re.search(rf"\b{name}\b", text)} - ABSENT
    assert not missing


def test_a_program_is_the_same_every_time() -> None:
    with quiet():
        assert drawn(7)[0] == drawn(7)[0]


def test_a_difference_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tinyact.Tensor, "sin", tinyact.cos)
    lines = ["t0 = T.tensor([0.5])", "t1 = t0 * 2", "t2 = t1.cos()", "t3 = t0.sin()", "t4 = t3 + t2"]
    with quiet():
        difference = run(lines)
        assert difference is not None
        assert (difference.what, difference.path, difference.line) == ("value", "t3", "t3 = t0.sin()")
        assert shrunk(lines, run) == ["t0 = T.tensor([0.5])", "t3 = t0.sin()"]
