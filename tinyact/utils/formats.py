"""Arrays by name, and words about them, as the bytes of a file: safetensors, and NumPy's npz.

Neither form can hold anything that runs. What is read may have been written by anybody: nothing that it says of itself
is believed before it was compared with how many bytes there are.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinyact.dtype import as_dtype

Array = np.ndarray[Any, np.dtype[Any]]

# What safetensors calls the types that tensors have.
_DTYPES = {
    "F32": "float32", "F64": "float64", "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64", "U8": "uint8",
    "BOOL": "bool",
}  # fmt: skip
_LARGEST_HEADER = 100_000_000  # which no reader of safetensors exceeds
_METADATA = "tinyact.json"


class Content(NamedTuple):
    """What is in a file."""

    arrays: dict[str, Array]
    metadata: dict[str, str]


class Format(NamedTuple):
    """How a content becomes bytes, and bytes a content."""

    write: Callable[[Content], bytes]
    read: Callable[[bytes], Content]


def write_safetensors(content: Content) -> bytes:
    """A length, a header in JSON, and the arrays' numbers one after the other.

    Raises:
        ValueError: if the header is longer than readers accept.
    """
    from safetensors.numpy import save

    data: bytes = save(content.arrays, content.metadata)
    if _header_size(data) > _LARGEST_HEADER:
        raise ValueError("too much that is no tensor; make tensors of long lists of numbers")
    return data


def read_safetensors(data: bytes) -> Content:
    """The arrays are checked by the package: offsets, sizes, overlaps."""
    import safetensors

    deserialize: Any = safetensors.deserialize  # which has no types
    arrays = {}
    for name, tensor in deserialize(data):
        if tensor["dtype"] not in _DTYPES:
            raise ValueError(f"{name!r} holds {tensor['dtype']}, which tensors don't have here; convert it beforehand")
        array = np.frombuffer(tensor["data"], _DTYPES[tensor["dtype"]])
        arrays[name] = _checked(array.reshape(tensor["shape"]), name)
    header = json.loads(data[8 : 8 + _header_size(data)])
    return Content(arrays, header.get("__metadata__") or {})


def _header_size(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")


def write_npz(content: Content) -> bytes:
    """A zip file with an npy file for each array, as `numpy.savez` writes it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr(zipfile.ZipInfo(_METADATA), json.dumps(content.metadata))
        for name, array in content.arrays.items():
            with file.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return stream.getvalue()


def read_npz(data: bytes) -> Content:
    """Nothing is unpacked, so that nothing takes more memory than the file."""
    content = Content({}, {})
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = file.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("it is compressed; read it with numpy.load and write it with numpy.savez")
        if sum(member.file_size for member in members) > len(data):
            raise ValueError("its parts overlap or are missing")
        for member in members:
            name, dot, kind = member.filename.rpartition(".")
            if member.filename == _METADATA:
                content.metadata.update(json.loads(file.read(member)))
            elif (dot, kind) != (".", "npy") or name in content.arrays:
                raise ValueError(f"it holds {member.filename!r}, which is no array, or holds it twice")
            else:
                content.arrays[name] = _checked(_read_npy(file.read(member), name), name)
    return content


def _read_npy(data: bytes, name: str) -> Array:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, in_fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        shape, in_fortran_order, dtype = np.lib.format.read_array_header_2_0(stream)
    as_dtype(dtype)
    start = stream.tell()
    if math.prod(shape) * dtype.itemsize != len(data) - start:
        raise ValueError(f"{name!r} has {len(data) - start} bytes, which don't make a shape of {shape} of {dtype}")
    return np.frombuffer(data, dtype, offset=start).reshape(shape, order="F" if in_fortran_order else "C").copy()


def _checked(array: Array, name: str) -> Array:
    if array.dtype == bool and (array.view(np.uint8) > 1).any():
        raise ValueError(f"{name!r} holds booleans that are neither 0 nor 1")
    return array


FORMATS = {".safetensors": Format(write_safetensors, read_safetensors), ".npz": Format(write_npz, read_npz)}
