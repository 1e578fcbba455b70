"""Files: what was saved is loaded, others' files are read, damaged and hostile ones are refused in words."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import stat
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import assert_equal
from tinyact import nn, optim

SUFFIXES = (".safetensors", ".npz", ".pt")
DTYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
each_suffix = pytest.mark.parametrize("suffix", SUFFIXES)


def same(a: Any, b: Any) -> bool:
    """The same kinds, and the same bits."""
    if isinstance(a, tinyact.Tensor):
        plain = isinstance(b, tinyact.Tensor) and a.dtype is b.dtype and a.shape == b.shape
        return plain and a.detach().numpy().tobytes() == b.detach().numpy().tobytes()
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and list(map(type, a)) == list(map(type, b)) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)
    return bool(a == b)


def tensors() -> st.SearchStrategy[Any]:
    shapes = st.lists(st.integers(0, 3), max_size=3)
    drawn = st.tuples(st.sampled_from(DTYPES), shapes, st.integers(0, 2**32))

    def made(parts: Any) -> Any:
        dtype, shape, seed = parts
        bits = np.random.default_rng(seed).integers(0, 2 if dtype == "bool" else 256, 100 * 8, np.uint8)
        array = bits.view(dtype)[: math.prod(shape)].reshape(shape)
        return tinyact.from_numpy(array.T)

    return drawn.map(made)


KEYS = (
    st.text(max_size=4) | st.integers(-3, 3) | st.none() | st.sampled_from(["__metadata__", "a/b", "../a", "a.b", "/a"])
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
OBJECTS = st.recursive(
    tensors() | PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(KEYS, inner, max_size=4)
    ),
)


def through(obj: Any, suffix: str, folder: Path) -> Any:
    path = folder / f"file{suffix}"
    tinyact.save(obj, path)
    return tinyact.load(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


# --- there and back ------------------------------------------------------------------------------------------------


@given(obj=OBJECTS, suffix=st.sampled_from(SUFFIXES))
def test_any_object(folder: Path, obj: Any, suffix: str) -> None:
    assert same(obj, through(obj, suffix, folder))


@each_suffix
def test_names_that_look_alike(tmp_path: Path, suffix: str) -> None:
    x = [tinyact.tensor(float(i)) for i in range(8)]
    obj = {"a.b": x[0], "a": {"b": x[1], 1: x[2], "1": x[3]}, "tensor": x[4], "": x[5], "tensor 7": x[6], "\n": x[7]}
    assert same(obj, through(obj, suffix, tmp_path))


@each_suffix
def test_layout_and_views(tmp_path: Path, suffix: str) -> None:
    base = tinyact.arange(12.0).reshape(3, 4)
    obj = {"t": base.t(), "strided": base[:, ::2], "expanded": tinyact.ones(1).expand(3), "again": base}
    loaded = through(obj, suffix, tmp_path)
    assert same(obj, loaded)
    loaded["expanded"][0] = 5  # its memory is its own
    assert loaded["expanded"].tolist() == [5.0, 1.0, 1.0]


@each_suffix
def test_subclasses_come_back_as_what_they_derive_from(tmp_path: Path, suffix: str) -> None:
    w = nn.Parameter(tinyact.ones(2))
    obj = OrderedDict(w=w, y=w * 2, n=np.float32(0.5), i=np.int64(3), size=w.shape)
    loaded = through(obj, suffix, tmp_path)
    assert same(loaded, {"w": tinyact.ones(2), "y": tinyact.full((2,), 2.0), "n": 0.5, "i": 3, "size": (2,)})
    assert type(loaded["w"]) is tinyact.Tensor
    assert not loaded["w"].requires_grad


@each_suffix
@pytest.mark.parametrize("make", [optim.Adam, lambda p: optim.SGD(p, 0.1, momentum=0.9)], ids=["adam", "sgd"])
def test_training_goes_on(tmp_path: Path, suffix: str, make: Any) -> None:
    """With what was saved in the middle, to the same bits."""

    def network() -> tuple[nn.Sequential, Any]:
        tinyact.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        return model, make(model.parameters())

    def steps(model: nn.Sequential, optimizer: Any) -> None:
        for _ in range(3):
            optimizer.zero_grad()
            (model(tinyact.ones(2, 3)) ** 2).sum().backward()
            optimizer.step()

    model, optimizer = network()
    steps(model, optimizer)
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": tinyact.get_rng_state()}
    loaded = through(checkpoint, suffix, tmp_path)
    assert same(loaded["optimizer"], optimizer.state_dict())
    tinyact.rand(3)
    tinyact.set_rng_state(loaded["rng"])
    other, its_optimizer = network()
    other.load_state_dict(loaded["model"])
    its_optimizer.load_state_dict(loaded["optimizer"])
    steps(model, optimizer)
    steps(other, its_optimizer)
    assert same(dict(model.state_dict()), dict(other.state_dict()))


def test_open_files(tmp_path: Path) -> None:
    stream = io.BytesIO()
    tinyact.save({"w": tinyact.ones(2)}, stream)
    stream.seek(0)
    assert same(tinyact.load(stream), {"w": tinyact.ones(2)})
    with pytest.raises(ValueError, match=r"^<_io.BytesIO.* can't be loaded: its content is neither"):
        tinyact.load(io.BytesIO(b"words, words, words"))


def test_the_same_object_gives_the_same_bytes(tmp_path: Path) -> None:
    code = "import sys, tinyact; tinyact.save({'b': tinyact.ones(2), 'a': [tinyact.zeros(1), 3]}, sys.argv[1])"
    for suffix in (".npz", ".safetensors"):
        contents = set()
        for i in range(2):
            path = tmp_path / f"{i}{suffix}"
            subprocess.run([sys.executable, "-c", code, str(path)], check=True)
            contents.add(path.read_bytes())
        assert len(contents) == 1


# --- others' files -------------------------------------------------------------------------------------------------


def state(m: Any) -> dict[str, Any]:
    m.manual_seed(0)
    made = {dtype: m.ones(2, 3).to(getattr(m, dtype)) for dtype in DTYPES}
    return {**m.nn.Linear(3, 2).state_dict(), **made, "scalar": m.tensor(2.5), "empty": m.zeros(0, 3)}


def test_pytorch_reads_ours(tmp_path: Path) -> None:
    path = tmp_path / "ours.safetensors"
    tinyact.save(state(tinyact), path)
    theirs = safetensors.torch.load_file(path)
    assert theirs.keys() == state(torch).keys()
    for name, value in state(torch).items():
        assert torch.equal(value, theirs[name])
        assert value.dtype == theirs[name].dtype
    torch.nn.Linear(3, 2).load_state_dict({key: theirs[key] for key in ("weight", "bias")})


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}, {"note": "tiny", "other": "tinyactive"}])
def test_ours_reads_pytorchs(tmp_path: Path, metadata: Any) -> None:
    path = tmp_path / "theirs.safetensors"
    safetensors.torch.save_file(state(torch), path, metadata)
    ours = tinyact.load(path)
    assert ours.keys() == state(torch).keys()
    for name, value in state(torch).items():
        assert_equal(ours[name], value)
    nn.Linear(3, 2).load_state_dict({key: ours[key] for key in ("weight", "bias")})


def test_numpy_reads_ours_and_ours_numpys(tmp_path: Path) -> None:
    path = tmp_path / "file.npz"
    tinyact.save({"w": tinyact.ones(2), "more": {"b": tinyact.zeros(2, 2)}}, path)
    with np.load(path, allow_pickle=False) as file:
        assert file["w"].tolist() == [1.0, 1.0]
        assert file["more.b"].shape == (2, 2)
    np.savez(path, a=np.arange(3), b=np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    loaded = tinyact.load(path)
    assert same(loaded, {"a": tinyact.arange(3), "b": tinyact.arange(6, dtype=tinyact.float64).reshape(2, 3)})


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("name", ["model.pt", "model.safetensors", "model.npz", "model"])
def test_pytorchs_pickles_are_refused(tmp_path: Path, legacy: bool, name: str) -> None:
    path = tmp_path / name
    torch.save({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ValueError, match=r"torch\.save, with pickle.*safetensors\.torch\.save_file"):
        tinyact.load(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"safetensors\.torch\.save_file"):
        tinyact.load(path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.complex64, torch.uint16, torch.float8_e5m2])
def test_types_that_there_are_not(tmp_path: Path, dtype: Any) -> None:
    path = tmp_path / "half.safetensors"
    safetensors.torch.save_file({"w": torch.ones(2).to(dtype)}, path)
    with pytest.raises(ValueError, match=r"'w' holds .*, which tensors don't have here"):
        tinyact.load(path)


# --- what can't be saved -------------------------------------------------------------------------------------------

CYCLE: list[Any] = []
CYCLE.append({"again": CYCLE})


@pytest.mark.parametrize(
    ("obj", "kind", "words"),
    [
        (
            {"optimizer": {"state": {0: [1, {2}]}}},
            TypeError,
            r"obj['optimizer']['state'][0][1] can't be saved: <class 'set'>",
        ),
        ([{"f": print}], TypeError, "obj[0]['f'] can't be saved: <class 'builtin_function_or_method'>"),
        (nn.Linear(1, 1), TypeError, "obj can't be saved: <class 'tinyact.nn.linear.Linear'>"),
        ({"x": np.ones(2)}, TypeError, "obj['x'] can't be saved: <class 'numpy.ndarray'>; make a tensor of it"),
        ([torch.ones(2)], TypeError, "obj[0] can't be saved: <class 'torch.Tensor'>; make a tensor of it"),
        ({"x": 1j}, TypeError, "obj['x'] can't be saved: <class 'complex'>"),
        ({"x": {(1, 2): 3}}, TypeError, "obj['x'] can't be saved: it has a key of type tuple"),
        ({"x": b"bytes"}, TypeError, "obj['x'] can't be saved: <class 'bytes'>"),
        ({"x": tinyact.float32}, TypeError, "obj['x'] can't be saved: <class 'tinyact.dtype.dtype'>"),
        (CYCLE, ValueError, "obj[0]['again'][0]… is nested more than 100 deep; does it contain itself?"),
    ],
)
@each_suffix
def test_what_cant_be_saved(tmp_path: Path, suffix: str, obj: Any, kind: Any, words: str) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(kind) as caught:
        tinyact.save(obj, path)
    assert str(caught.value) == words
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    safe, npz, other = (tmp_path / f"file{suffix}" for suffix in SUFFIXES)
    tinyact.save({"w": tinyact.ones(2)}, safe)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for call in (lambda: tinyact.load(safe), lambda: tinyact.save({}, safe)):
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'tinyact\[safetensors\]'; .npz needs none"):
            call()
    for path in (npz, other):
        tinyact.save({"w": tinyact.ones(2)}, path)
        assert zipfile.is_zipfile(path)
        assert same(tinyact.load(path), {"w": tinyact.ones(2)})


def test_arguments_of_pytorchs_load(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    tinyact.save(tinyact.ones(2), path)
    for options in ({"map_location": "cpu"}, {"weights_only": False}, {"map_location": lambda storage, place: storage}):
        assert same(tinyact.load(path, **options), tinyact.ones(2))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="map_location='cuda'"):
        tinyact.load(path, map_location="cuda")


# --- the file ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "w.safetensors"
    tinyact.save({"w": tinyact.ones(2)}, path)

    def fail(*args: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(call, fail)
    with pytest.raises(OSError, match="no space left"):
        tinyact.save({"w": tinyact.zeros(2)}, path)
    assert same(tinyact.load(path), {"w": tinyact.ones(2)})
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path, call: str) -> None:
    path = tmp_path / "w.npz"
    tinyact.save({"w": tinyact.ones(2)}, path)
    code = f"import os, sys, tinyact; {call} = lambda *a: os._exit(9); tinyact.save(tinyact.zeros(9), sys.argv[1])"
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == 9
    assert same(tinyact.load(path), {"w": tinyact.ones(2)})
    tinyact.save({"w": tinyact.zeros(2)}, path)  # what the crash left isn't in the way
    assert same(tinyact.load(path), {"w": tinyact.zeros(2)})


def test_links_and_permissions_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "target.npz", tmp_path / "link.npz"
    link.symlink_to(target)
    previous = os.umask(0o027)
    try:
        tinyact.save(1, link)
    finally:
        os.umask(previous)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    target.chmod(0o600)
    tinyact.save(2, link)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert tinyact.load(target) == 2


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no file that can be replaced"):
        tinyact.save(1, tmp_path)
    with pytest.raises(FileNotFoundError):
        tinyact.save(1, tmp_path / "no" / "such.npz")
    with pytest.raises(FileNotFoundError):
        tinyact.load(tmp_path / "none.npz")
    with pytest.raises(TypeError):
        tinyact.save(1, 5)


# --- damaged and hostile files -------------------------------------------------------------------------------------

SAMPLE = {
    "model": {"0.weight": tinyact.arange(6.0).reshape(2, 3), "0.bias": tinyact.tensor([True, False])},
    "optimizer": {"state": {0: {"step": tinyact.tensor(2.0)}}, "betas": (0.9, 0.999)},
    "epoch": 3,
}


def contents(obj: Any, suffix: str, folder: Path) -> bytes:
    tinyact.save(obj, folder / f"sample{suffix}")
    return (folder / f"sample{suffix}").read_bytes()


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "flip", "cut", "insert", "end"]), st.floats(0, 1), st.binary(min_size=1, max_size=8)
    ),
    min_size=1,
    max_size=3,
)


def changed(data: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for kind, share, extra in changes:
        at, n = int(share * len(data)), len(extra)
        middle = {
            "set": extra,
            "flip": bytes([data[at] ^ 1 << extra[0] % 8]) + data[at + 1 : at + n] if at < len(data) else b"",
            "cut": b"",
            "insert": extra + data[at : at + n],
        }
        data = data[:at] if kind == "end" else data[:at] + middle[kind] + data[at + n :]
    return data


@given(changes=CHANGES, suffix=st.sampled_from([".safetensors", ".npz"]), renamed=st.booleans(), sample=st.booleans())
def test_fuzz(folder: Path, changes: Any, suffix: str, renamed: bool, sample: bool) -> None:
    """The same object or a ValueError that names the file: no other error, and never other numbers."""
    obj = SAMPLE if sample else SAMPLE["model"]
    path = folder / f"fuzzed{'' if renamed else suffix}"
    path.write_bytes(changed(contents(obj, suffix, folder), changes))
    try:
        loaded = tinyact.load(path)
    except ValueError as error:
        assert str(error).startswith(f"{path} can't be loaded: ")  # noqa: PT017 it need not be raised
    else:
        assert same(loaded, obj)


@given(changes=CHANGES, theirs=st.booleans(), renamed=st.booleans())
def test_fuzz_of_others_files(folder: Path, changes: Any, theirs: bool, renamed: bool) -> None:
    """Without a checksum numbers may be others, but nothing else comes of it than tensors by name, or a ValueError."""
    if theirs:
        data = safetensors.torch.save({"w": torch.ones(2, 3), "b": torch.tensor([True])}, {"format": "pt"})
    else:
        stream = io.BytesIO()
        np.savez(stream, w=np.ones((2, 3)), b=np.array([True]))
        data = stream.getvalue()
    path = folder / f"fuzzed{'' if renamed else '.safetensors' if theirs else '.npz'}"
    path.write_bytes(changed(data, changes))
    try:
        loaded = tinyact.load(path)
    except ValueError as error:
        assert str(error).startswith(f"{path} can't be loaded: ")  # noqa: PT017 it need not be raised
    else:
        assert all(type(name) is str and isinstance(value, tinyact.Tensor) for name, value in loaded.items())


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_every_byte_and_every_length(folder: Path, suffix: str) -> None:
    data = contents(SAMPLE, suffix, folder)
    for at in range(len(data)):
        for damaged in (data[:at], data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]):
            try:
                loaded = tinyact.load(io.BytesIO(damaged))
            except ValueError:
                continue
            assert len(damaged) == len(data)
            assert same(loaded, SAMPLE)


def safe(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def one(dtype: str = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> Any:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def tree(text: str) -> bytes:
    """A file whose checksum is right."""
    from tinyact.utils.saving import _checksum

    array = np.zeros(1, np.float32)
    mark = f"tinyact {_checksum({'a': array}, text)} {text}"
    return safe({"__metadata__": {"tinyact": mark}, "a": one()}, bytes(4))


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, member in members.items():
            file.writestr(name, member)
    return stream.getvalue()


def npy(descr: str = "'<f4'", shape: str = "(1,)", data: bytes = bytes(4), version: bytes = b"\x01\x00") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + data


def overlapping() -> bytes:
    """Two entries of the index that are the same bytes."""
    data = archive({"a.npy": npy(data=bytes(4000), shape="(1000,)")})
    at = data.index(b"PK\x01\x02")
    entry, end = data[at : data.index(b"PK\x05\x06")], data[data.index(b"PK\x05\x06") :]
    size, count = len(entry) * 2, 2
    return (
        data[:at]
        + entry
        + entry.replace(b"a.npy", b"b.npy")
        + end[:8]
        + struct.pack("<HHI", count, count, size)
        + end[16:]
    )


HOSTILE: dict[str, tuple[str, bytes]] = {
    "nothing": ("", b""),
    "text": ("", b"import os; os.system('true')"),
    "a huge header": (".safetensors", struct.pack("<Q", 2**63) + b'{"a":1}'),
    "a header of 99 MB that isn't there": (".safetensors", struct.pack("<Q", 99_000_000) + b'{"a":1}'),
    "an offset beyond the end": (".safetensors", safe({"a": one(offsets=(0, 400), shape=(100,))}, bytes(4))),
    "offsets backwards": (".safetensors", safe({"a": one(offsets=(4, 0))}, bytes(4))),
    "negative offsets": (".safetensors", safe({"a": one(offsets=(-4, 0))}, bytes(4))),
    "overlapping": (".safetensors", safe({"a": one(), "b": one()}, bytes(4))),
    "a hole": (".safetensors", safe({"a": one(), "b": one(offsets=(8, 12))}, bytes(12))),
    "bytes left over": (".safetensors", safe({"a": one()}, bytes(8))),
    "a shape of NaN": (".safetensors", safe({"a": one(shape=(math.nan,))}, bytes(4))),
    "a negative shape": (".safetensors", safe({"a": one(shape=(-1,))}, bytes(4))),
    "a shape of another size": (".safetensors", safe({"a": one(shape=(2,))}, bytes(4))),
    "a shape that overflows": (".safetensors", safe({"a": one(shape=(2**62, 4))}, bytes(4))),
    "an empty shape too large": (".safetensors", safe({"a": one(shape=(0, 2**62), offsets=(0, 0))})),
    "100 dimensions": (".safetensors", safe({"a": one(shape=(1,) * 100)}, bytes(4))),
    "an unknown type": (".safetensors", safe({"a": one("F33")}, bytes(4))),
    "a boolean 7": (".safetensors", safe({"a": one("BOOL", offsets=(0, 1))}, b"\x07")),
    "metadata that is no text": (".safetensors", safe({"__metadata__": {"tinyact": 1}})),
    "a nested header": (".safetensors", safe(b'{"a":' * 100_000)),
    "a tree of its own kind": (".safetensors", tree('{"exec": "a"}')),
    "a tree with another tensor": (".safetensors", tree('{"tensor": "b"}')),
    "a tree with a tensor twice": (".safetensors", tree('[{"tensor": "a"}, {"tensor": "a"}]')),
    "a tree without its tensor": (".safetensors", tree("[1]")),
    "a tree with a key twice": (".safetensors", tree('{"dict": [["k", {"tensor": "a"}], ["k", 1]]}')),
    "a tree with a list as key": (".safetensors", tree('{"dict": [[["k"], {"tensor": "a"}]]}')),
    "a tree that isn't JSON": (".safetensors", tree("{")),
    "a deep tree": (".safetensors", tree("[" * 100_000 + "]" * 100_000)),
    "a tree as deep as Python goes": (".safetensors", tree("[" * 900 + '{"tensor": "a"}' + "]" * 900)),
    "a long number": (".safetensors", tree('[{"tensor": "a"}, ' + "1" * 5000 + "]")),
    "safetensors called npz": (".npz", safe({"a": one()}, bytes(4))),
    "npz called safetensors": (".safetensors", archive({"a.npy": npy()})),
    "an object": (".npz", archive({"a.npy": npy("'|O'", data=pickle.dumps(os.getcwd))})),
    "another byte order": (".npz", archive({"a.npy": npy("'>f4'")})),
    "half": (".npz", archive({"a.npy": npy("'<f2'")})),
    "records": (".npz", archive({"a.npy": npy("[('x', '<f4')]")})),
    "code in the header": (".npz", archive({"a.npy": npy("__import__('os').getcwd()")})),
    "too large": (".npz", archive({"a.npy": npy(shape=f"({2**40},)")})),
    "a negative size": (".npz", archive({"a.npy": npy(shape="(-1, -1)")})),
    "a size of NaN": (".npz", archive({"a.npy": npy(shape="(1e999,)")})),
    "a nested size": (".npz", archive({"a.npy": npy(shape="(" * 5000)})),
    "another version": (".npz", archive({"a.npy": npy(version=b"\x07\x00")})),
    "a boolean 9": (".npz", archive({"a.npy": npy("'|b1'", data=b"\x09")})),
    "a bomb": (".npz", archive({"a.npy": npy(shape="(10000000,)", data=bytes(40_000_000))}, zipfile.ZIP_DEFLATED)),
    "parts that overlap": (".npz", overlapping()),
    "a file beside": (".npz", archive({"../../a.sh": b"true"})),
    "no tree": (".npz", archive({"tinyact.json": b"[1]"})),
    "no words in the tree": (".npz", archive({"tinyact.json": b'{"tinyact": 1}'})),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(tmp_path: Path, name: str) -> None:
    suffix, data = HOSTILE[name]
    path = tmp_path / f"hostile{suffix}"
    path.write_bytes(data)
    with pytest.raises(ValueError) as caught:
        tinyact.load(path)
    assert type(caught.value) is ValueError
    start, words = str(caught.value).split(" can't be loaded: ")
    assert start == str(path)
    assert len(words.split()) >= 3
    assert len(words) < 400
    assert os.listdir(tmp_path) == [path.name]


def test_names_that_are_paths_stay_in_the_file(tmp_path: Path) -> None:
    members = {"../up.npy": npy(), "/etc/absolute.npy": npy()}
    (tmp_path / "names.npz").write_bytes(archive(members))
    assert set(tinyact.load(tmp_path / "names.npz")) == {"../up", "/etc/absolute"}
    tinyact.save({"../up": tinyact.ones(1), "/etc/absolute": tinyact.ones(1)}, tmp_path / "ours.npz")
    with zipfile.ZipFile(tmp_path / "ours.npz") as file:
        assert not [name for name in file.namelist() if ".." in name or name.startswith("/")]


def test_a_large_claim_takes_no_memory() -> None:
    """Files that say that they hold much are refused within little more memory than Python has anyway."""
    code = """
import io, resource, sys
import tinyact
from tests.utils.test_saving import HOSTILE
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for suffix, data in HOSTILE.values():
    try:
        tinyact.load(io.BytesIO(data))
    except ValueError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used) // 1000)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 60
