"""Objects made of tensors in files, without pickle: loading a file can't run code.

A file holds the tensors by name, for whatever else reads safetensors or npz files, and as JSON the tree that they stand
in, a tensor being its name there. A checksum of both tells when bytes were changed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import zlib
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import Any

import numpy as np

from tinyact.autograd.operation import wrap
from tinyact.tensor import Tensor
from tinyact.utils.formats import FORMATS, Array, Content

__all__ = ["load", "save"]

_DEEPEST = 100
_MARK = "tinyact"
_WORDS_FOR_PICKLE = (
    "it was written by torch.save, with pickle, which may run code when it is loaded and isn't read here. Load it with "
    "PyTorch and write its tensors with safetensors.torch.save_file(state_dict, 'name.safetensors')"
)


def save(obj: Any, f: Any) -> None:
    """Writes tensors, and what they stand in, to a file.

    The file is written beside the old one and takes its place when it is complete; whatever happens before, the old one
    is there still.

    Args:
        obj: tensors, numbers, strings, booleans, None, and dictionaries, lists and tuples of these: a module's or an
            optimizer's ``state_dict()``, or several in a dictionary. Subclasses are written as what they derive from,
            and tensors without their graph.
        f: a path, or a file that is open for writing bytes. ``.npz`` is NumPy's form. ``.safetensors``, and by default
            every other name, is that of the package of this name (``pip install 'tinyact[safetensors]'``); without the
            package, other names get NumPy's form. `load` finds out by itself.

    Raises:
        TypeError: if there is something else in it; nothing is written then.
        ValueError: if it contains itself; likewise.

    Example:
        >>> import tempfile
        >>> import tinyact
        >>> path = tempfile.mkdtemp() + "/checkpoint.npz"
        >>> tinyact.save({"epoch": 3, "w": tinyact.ones(2)}, path)
        >>> tinyact.load(path)
        {'epoch': 3, 'w': tensor([1., 1.])}
    """
    arrays: dict[str, Array] = {}
    tree = json.dumps(_encoded(obj, (), arrays))
    content = Content(arrays, {_MARK: f"{_MARK} {_checksum(arrays, tree)} {tree}"})
    if hasattr(f, "write"):
        f.write(_format_to_write("").write(content))
    else:
        path = os.fsdecode(f)
        _replace(path, _format_to_write(_suffix(path)).write(content))


def load(f: Any, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Reads what `save` wrote, or the tensors of any other safetensors or npz file as a dictionary.

    Args:
        f: a path, or a file that is open for reading bytes.
        map_location: None or the CPU; there are no other devices.
        weights_only: without effect: there is never more in a file.

    Raises:
        ValueError: if the file is damaged, of another kind than its name says, or written with pickle; the message says
            which file, and what is wrong with it.
        RuntimeError: for other devices.
    """
    if not (map_location is None or callable(map_location) or str(map_location) == "cpu"):
        raise RuntimeError(f"tensors are on the CPU here; got map_location={map_location!r}")
    if hasattr(f, "read"):
        name, suffix, data = str(getattr(f, "name", f)), "", f.read()
    else:
        name, suffix = os.fsdecode(f), _suffix(os.fsdecode(f))
        with open(name, "rb") as file:
            data = file.read()
    try:
        kind = _kind(data, suffix)
        _check_installed(kind)
        return _decoded(FORMATS[kind].read(data))
    except ImportError:
        raise
    except Exception as error:  # of three parsers, for bytes that anybody may have made up
        words = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"{name} can't be loaded: {words}") from error


# --- the tree ------------------------------------------------------------------------------------------------------


def _encoded(value: Any, path: tuple[Any, ...], arrays: dict[str, Array]) -> Any:
    """What JSON can hold: lists and numbers as they are, all else as ``{kind: content}``; tensors go to the arrays."""
    if len(path) > _DEEPEST:
        raise ValueError(f"{_place(path[:3])}… is nested more than {_DEEPEST} deep; does it contain itself?")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Tensor):
        name = _name(path, arrays)
        arrays[name] = np.asarray(value.array, order="C")
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"dict": [[_key(key, path), _encoded(item, (*path, key), arrays)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [_encoded(item, (*path, place), arrays) for place, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    hint = "; make a tensor of it" if hasattr(value, "__array__") else ""
    raise TypeError(f"{_place(path)} can't be saved: {type(value)}{hint}")


def _key(key: Any, path: tuple[Any, ...]) -> Any:
    if isinstance(key, np.generic):
        key = key.item()
    if key is None or isinstance(key, (bool, int, float, str)):
        return key
    raise TypeError(f"{_place(path)} can't be saved: it has a key of type {type(key).__name__}")


def _place(path: tuple[Any, ...]) -> str:
    """``obj['optimizer']['state'][0]``"""
    return "obj" + "".join(f"[{key!r}]" for key in path)


def _name(path: tuple[Any, ...], arrays: dict[str, Array]) -> str:
    """The path with dots, as state dicts have it; or a number, where that is taken or not for every program."""
    name = ".".join(map(str, path)) or "tensor"
    leads_out = ".." in name or "\\" in name or name.startswith("/")  # where somebody unpacks an npz file
    if leads_out or not name.isprintable() or len(name) > 1000 or name == "__metadata__" or name in arrays:
        return next(other for number in count(len(arrays)) if (other := f"tensor {number}") not in arrays)
    return name


def _decoded(content: Content) -> Any:
    arrays, metadata = content
    # Marked twice, so that one damaged byte doesn't make it look like somebody else's.
    marked = [text for key, text in metadata.items() if key == _MARK or text.startswith(f"{_MARK} ")]
    if not marked:
        return {name: wrap(array) for name, array in arrays.items()}
    mark, checksum, tree = marked[0].split(" ", 2)
    if mark != _MARK or checksum != _checksum(arrays, tree):
        raise ValueError("its bytes aren't those that were written: the checksum differs")
    obj = _of_tree(json.loads(tree), arrays)
    if arrays:
        raise ValueError(f"it holds tensors that have no place in it: {', '.join(map(repr, arrays))}")
    return obj


def _of_tree(node: Any, arrays: dict[str, Array]) -> Any:
    """The object of a node; each array is taken once."""
    if isinstance(node, list):
        return [_of_tree(item, arrays) for item in node]
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind == "tensor" and content in arrays:
        return wrap(arrays.pop(content))
    if kind == "tuple":
        return tuple(_of_tree(item, arrays) for item in content)
    if kind == "dict":
        items = {key: _of_tree(item, arrays) for key, item in content}
        if len(items) == len(content):
            return items
    raise ValueError(f"its tree has a {kind!r} that means nothing")


def _checksum(arrays: Mapping[str, Array], tree: str) -> str:
    total = zlib.crc32(tree.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total = zlib.crc32(f"{name} {array.dtype.str} {array.shape}".encode(), total)
        total = zlib.crc32(array, total)  # type: ignore[arg-type]
    return f"{total:08x}"


# --- the file ------------------------------------------------------------------------------------------------------


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _format_to_write(suffix: str) -> Any:
    if suffix not in FORMATS:
        suffix = ".safetensors" if importlib.util.find_spec("safetensors") else ".npz"
    _check_installed(suffix)
    return FORMATS[suffix]


def _check_installed(kind: str) -> None:
    if kind == ".safetensors" and importlib.util.find_spec("safetensors") is None:
        raise ModuleNotFoundError(
            "for safetensors files there must be its package: pip install 'tinyact[safetensors]'; .npz needs none",
            name="safetensors",
        )


def _kind(data: bytes, suffix: str) -> str:
    """Of which format the content is; the name must not say otherwise."""
    kind = ".npz" if data.startswith(b"PK") else ".safetensors" if data[8:9] == b"{" else "neither safetensors nor npz"
    first_member = data[30 : 30 + int.from_bytes(data[26:28], "little")]
    if first_member.endswith(b"/data.pkl") if kind == ".npz" else kind not in FORMATS and data[:2] in _PICKLES:
        raise ValueError(_WORDS_FOR_PICKLE)
    if kind not in FORMATS:
        raise ValueError(f"its content is {kind}")
    if suffix in FORMATS and suffix != kind:
        raise ValueError(f"its name says {suffix}, its content is {kind}")
    return kind


_PICKLES = {bytes([0x80, protocol]) for protocol in range(2, 6)}


def _replace(path: str, data: bytes) -> None:
    """Puts a complete file in the place of the old one, in one step."""
    path = os.path.realpath(path)  # so that a link stays one
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f"{path} is no file that can be replaced")
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:20]}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
