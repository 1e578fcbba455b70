"""Devices as PyTorch answers for them where it was built without any."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch

import tinyact
from tests.nn.twins import errors

NAMES = ["cpu", "cpu:0", "cuda", "cuda:1", "mps", "meta"]


@pytest.mark.parametrize("name", NAMES)
def test_devices_are_named_as_pytorch_names_them(name: str) -> None:
    ours, theirs = tinyact.device(name), torch.device(name)
    assert (repr(ours), str(ours), ours.type, ours.index) == (repr(theirs), str(theirs), theirs.type, theirs.index)
    assert ours == tinyact.device(ours) == tinyact.device(ours.type, ours.index)
    assert hash(ours) == hash(tinyact.device(name))
    assert (ours == tinyact.device("cpu")) == (theirs == torch.device("cpu"))
    assert (ours == name) == (theirs == name)
    assert pickle.loads(pickle.dumps(ours)) == copy.deepcopy(ours) == ours


@pytest.mark.parametrize("name", ["gpu", "", "cpu:", "cpu:x", "cuda:-1", 1.5])
def test_no_devices(name: Any) -> None:
    errors(lambda m: m.device(name))


CPU = [None, "cpu", "cpu:0", lambda m: m.device("cpu")]
MAKE: dict[str, Any] = {
    "tensor": lambda m, d: m.tensor([1.0], device=d),
    "as_tensor": lambda m, d: m.as_tensor([1.0], device=d),
    "zeros": lambda m, d: m.zeros(2, device=d),
    "ones": lambda m, d: m.ones((2, 3), device=d, dtype=m.float64),
    "empty": lambda m, d: m.empty(0, device=d),
    "full": lambda m, d: m.full((2,), 3.0, device=d),
    "zeros_like": lambda m, d: m.zeros_like(m.ones(2), device=d),
    "ones_like": lambda m, d: m.ones_like(m.zeros(2), device=d),
    "full_like": lambda m, d: m.full_like(m.zeros(2), 3, device=d),
    "rand_like": lambda m, d: m.rand_like(m.zeros(2), device=d),
    "randn_like": lambda m, d: m.randn_like(m.zeros(2), device=d),
    "eye": lambda m, d: m.eye(2, device=d),
    "arange": lambda m, d: m.arange(3, device=d),
    "linspace": lambda m, d: m.linspace(0, 1, 3, device=d),
    "rand": lambda m, d: m.rand(2, device=d),
    "randn": lambda m, d: m.randn(2, device=d),
    "randint": lambda m, d: m.randint(0, 3, (2,), device=d),
    "randperm": lambda m, d: m.randperm(3, device=d),
    "new_tensor": lambda m, d: m.ones(2).double().new_tensor([1, 2], device=d),
    "new_zeros": lambda m, d: m.ones(2).double().new_zeros(2, 3, device=d),
    "new_ones": lambda m, d: m.ones(2).long().new_ones((2,), device=d),
    "new_full": lambda m, d: m.ones(2).new_full((2,), 3, device=d, dtype=m.int64),
    "to": lambda m, d: m.ones(2).to(d or "cpu"),
    "to device and dtype": lambda m, d: m.ones(2).to(d or "cpu", m.float64),
    "to by name": lambda m, d: m.ones(2).to(device=d, dtype=m.int64),
    "Linear": lambda m, d: m.nn.Linear(2, 3, device=d).weight,
    "PReLU": lambda m, d: m.nn.PReLU(device=d).weight,
    "LayerNorm": lambda m, d: m.nn.LayerNorm(3, device=d).weight,
    "RMSNorm": lambda m, d: m.nn.RMSNorm(3, device=d).weight,
    "BatchNorm1d": lambda m, d: m.nn.BatchNorm1d(3, device=d).running_mean,
    "Embedding": lambda m, d: m.nn.Embedding(3, 2, device=d).weight,
    "Bilinear": lambda m, d: m.nn.Bilinear(3, 2, 2, device=d).weight,
    "Conv1d": lambda m, d: m.nn.Conv1d(3, 2, 1, device=d).weight,
    "Conv2d": lambda m, d: m.nn.Conv2d(3, 2, 1, device=d, dtype=m.float64).weight,
    "Module.to": lambda m, d: m.nn.Linear(2, 3).to(d or "cpu", m.float64).weight,
}


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("device", CPU)
def test_the_cpu_is_accepted_everywhere(name: str, device: Any) -> None:
    results = []
    for m in (tinyact, torch):
        m.manual_seed(0)
        result = MAKE[name](m, device(m) if callable(device) else device)
        results.append((repr(result), str(result.device), result.is_cuda, result.is_cpu, result.get_device()))
    assert results[0] == results[1]


@pytest.mark.parametrize("name", MAKE)
def test_other_devices_are_refused_in_one_sentence(name: str) -> None:
    ours, _ = errors(lambda m: MAKE[name](m, "cuda"))
    assert str(ours).startswith("Torch not compiled with CUDA enabled")
    with pytest.raises(NotImplementedError, match=r"^there is no device 'mps': tinyact computes on the CPU alone$"):
        MAKE[name](tinyact, "mps")


def test_what_programs_ask_first() -> None:
    for m in (tinyact, torch):
        device = "cuda" if m.cuda.is_available() else "mps" if m.backends.mps.is_available() else "cpu"
        assert device == "cpu"
        assert not m.accelerator.is_available()
        assert m.accelerator.current_accelerator() is None
        assert m.cuda.device_count() == 0
        m.cuda.manual_seed(0)
        m.cuda.manual_seed_all(0)
        m.cuda.empty_cache()
        m.backends.cudnn.benchmark = False
    errors(lambda m: m.ones(1).cuda())
    errors(lambda m: m.nn.Linear(1, 1).cuda())


def test_nothing_is_copied_unless_asked_for() -> None:
    for m in (tinyact, torch):
        t, net = m.ones(2), m.nn.Linear(1, 1)
        assert t.to("cpu") is t.cpu() is t.to(m.float32) is t.to("cpu", m.float32, non_blocking=True) is t
        assert net.to("cpu") is net.cpu() is net.to("cpu", non_blocking=True) is net
        other = t.to("cpu", copy=True)
        assert other is not t
        other.zero_()
        assert t.tolist() == [1.0, 1.0]
        assert t.to(m.ones(1).double()).dtype is m.float64
        assert t.to(None, m.int64).dtype is m.int64
        assert net.to(m.ones(1).double()).weight.dtype is m.float64
