"""Arrays, and what belongs to them, in a file of the format ``safetensors``, which holds nothing but data and so is safe to read.

The metadata of the file have one entry, of JSON: ``names`` of the arrays in their order, or if there is more than
arrays by name, the ``tree`` that they are in (see `l2logger.trees`). It is one because the package writes several in any
order, and the same content is to be the same file.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from l2logger import trees
from l2logger.errors import LogFormatError, SignalError

SUFFIX: Final = ".safetensors"

_NAMES: Final = "names"
_TREE: Final = "tree"
_RESERVED: Final = "__metadata__"
_DTYPES: Final = (
    *("float64", "float32", "float16", "bfloat16", "complex64", "bool"),
    *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"),
)


_MAX_TREE_CHARS: Final = 2**25
"""Safetensors reads no file with a header of more than 100 MB."""


def write(path: str, content: Mapping[Any, Any]) -> None:
    """Write arrays, and what belongs to them, to a new file.

    Args:
        path: The file.
        content: Arrays or tensors by name, of numpy, torch, jax or anything that numpy understands, of any shape, which
            keep their dtypes; or whatever `trees.taken_apart` takes.

    Raises:
        SignalError: Something is none of these.
        OSError: The file cannot be written.
        ImportError: The package safetensors is missing.
    """
    package = _safetensors()
    if not content:
        raise SignalError("there are no arrays in it and nothing else, so there is nothing to save")
    if all(isinstance(name, str) and name != _RESERVED and trees.is_array(each) for name, each in content.items()):
        found, metadata = dict(content), {_NAMES: json.dumps([*content])}
    else:
        found = {}
        metadata = {_TREE: json.dumps(trees.taken_apart(content, found, reserved=_RESERVED))}
        if len(metadata[_TREE]) > _MAX_TREE_CHARS:
            raise SignalError("there is too much besides the arrays; long lists of numbers are saved as arrays")
    arrays = {name: _on_host(name, value) for name, value in found.items()}
    with open(path, "xb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
    try:
        _save(path, arrays, metadata)
    except (package.SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
        # What the operating system said is only in the text: "(os error 28)", in older versions "Os { code: 28".
        if number := re.search(r"(?:\(os error |Os { code: )(\d+)", str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1])), path) from error
        raise SignalError(f"these arrays cannot be saved: {error!r}") from error
    os.chmod(path, mode)  # since safetensors 0.8 it would be for the owner alone


def read(path: str) -> dict[Any, Any]:
    """Return what `write` was given, as arrays of numpy; bfloat16, which numpy lacks, as float32, without loss.

    Raises:
        LogFormatError: It is no such file, or holds a dtype that is none of numpy's.
        OSError: It cannot be read.
        ImportError: The package safetensors is missing.
    """
    package = _safetensors()
    try:
        arrays, metadata = _read(package, path)
        if _TREE not in metadata:
            names = dict.fromkeys(json.loads(metadata.get(_NAMES, "[]"))) | arrays
            return {name: arrays[name] for name in names}
        content = trees.put_together(json.loads(metadata[_TREE]), arrays)
        if not isinstance(content, dict):
            raise ValueError("there are no names")
        return content
    except (
        package.SafetensorError,
        AttributeError,
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise LogFormatError(f"is no file of arrays in the format safetensors: {error!r}", path) from error


def _safetensors() -> Any:
    try:
        import safetensors
    except ImportError as error:
        problem = f'arrays are saved and loaded with safetensors: pip install "l2logger[models]" ({error})'
        raise ImportError(problem, name="safetensors") from error
    return safetensors


def _on_host(name: str, value: Any) -> Any:
    """Return a contiguous array of numpy, or tensor in the memory of the host; copied only where it has to be."""
    import numpy

    dtype = str(value.dtype).removeprefix("torch.")
    try:
        if _is_tensor(value):
            if str(value.layout) != "torch.strided":
                raise ValueError("it is sparse; make it dense with to_dense()")
            array = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        else:
            array = numpy.asarray(value, order="C")
            dtype = array.dtype.name
    except (RuntimeError, TypeError, ValueError) as error:
        raise SignalError(f"{name!r} cannot be saved: {error}") from error
    if dtype not in _DTYPES:
        raise SignalError(f"{name!r} is an array of {dtype}, which cannot be saved; there can be {', '.join(_DTYPES)}")
    return array


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")  # whose tensor it cannot be otherwise
    return torch is not None and isinstance(value, torch.Tensor)


def _save(path: str, arrays: dict[str, Any], metadata: dict[str, str]) -> None:
    """Save arrays all as those of torch if there is one of them, because a file is made by one framework."""
    if not any(map(_is_tensor, arrays.values())):
        from safetensors.numpy import save_file

        save_file(arrays, path, metadata)
        return
    import torch
    from safetensors.torch import save_file as save_tensors

    storages = set()
    for name, array in arrays.items():
        tensor = array if _is_tensor(array) else torch.tensor(array.astype(array.dtype.newbyteorder("="), copy=False))
        if (storage := tensor.untyped_storage().data_ptr()) in storages:
            tensor = tensor.clone()  # weights that are shared are saved by each of their names
        storages.add(storage)
        arrays[name] = tensor
    save_tensors(arrays, path, metadata)


def _read(package: Any, path: str) -> tuple[dict[str, Any], dict[str, str]]:
    import numpy

    with package.safe_open(path, framework="numpy") as file:
        dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        arrays = {name: file.get_tensor(name) for name, dtype in dtypes.items() if dtype != "BF16"}
        metadata = file.metadata() or {}
    if len(arrays) < len(dtypes):
        with open(path, "rb") as data:
            found = package.deserialize(data.read())
        for name, entry in found:
            if entry["dtype"] == "BF16":
                bits = numpy.frombuffer(entry["data"], "<u2").astype("u4")
                arrays[name] = numpy.left_shift(bits, 16, out=bits).view("f4").reshape(entry["shape"])
    return arrays, metadata
