"""Arrays by name in a file of the format ``safetensors``, which holds nothing but numbers and so is safe to read.

The metadata of the file list the names of the arrays in their order, as JSON: as ``names``, or for nested mappings as
``json-pointers``. Then each is the path to an array as a JSON pointer without its first slash (RFC 6901: ``~1`` is a
slash, ``~0`` a tilde), and a name without an array stands for an empty mapping. It is one entry because the package
writes several in any order, and the same arrays are to be the same file.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from l2logger.errors import LogFormatError, SignalError

SUFFIX: Final = ".safetensors"

_NAMES: Final = "names"
_POINTERS: Final = "json-pointers"
_DTYPES: Final = (
    *("float64", "float32", "float16", "bfloat16", "complex64", "bool"),
    *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"),
)


def write(path: str, tree: Mapping[str, Any]) -> None:
    """Write arrays to a new file.

    Args:
        path: The file.
        tree: Arrays or tensors by name, of numpy, torch, jax or anything that numpy understands, of any shape; numbers;
            and mappings of them, nested. They keep their dtypes.

    Raises:
        SignalError: Something is none of these.
        OSError: The file cannot be written.
        ImportError: The package safetensors is missing.
    """
    package = _safetensors()
    nested = any(isinstance(value, Mapping) for value in tree.values())
    try:
        found = dict(_leaves(tree, "", nested=nested))
    except RecursionError as error:
        raise SignalError("these arrays are nested too deeply, or a mapping holds itself") from error
    arrays = {name: _on_host(name, value) for name, value in found.items() if not isinstance(value, Mapping)}
    if not arrays:
        raise SignalError("there are no arrays in it, so there is nothing to save")
    with open(path, "xb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
    try:
        _save(path, arrays, {_POINTERS if nested else _NAMES: json.dumps([*found])})
    except (package.SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
        # What the operating system said is only in the text: "(os error 28)", in older versions "Os { code: 28".
        if number := re.search(r"(?:\(os error |Os { code: )(\d+)", str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1])), path) from error
        raise SignalError(f"these arrays cannot be saved: {error!r}") from error
    os.chmod(path, mode)  # since safetensors 0.8 it would be for the owner alone


def read(path: str) -> dict[str, Any]:
    """Return what `write` was given, as arrays of numpy; bfloat16, which numpy lacks, as float32, without loss.

    Raises:
        LogFormatError: It is no such file, or holds a dtype that is none of numpy's.
        OSError: It cannot be read.
        ImportError: The package safetensors is missing.
    """
    package = _safetensors()
    try:
        arrays, metadata = _read(package, path)
        leaves = dict.fromkeys(json.loads(metadata.get(_POINTERS) or metadata.get(_NAMES, "[]"))) | arrays
        if _POINTERS not in metadata:
            return {name: arrays[name] for name in leaves}
        tree: dict[str, Any] = {}
        for name, array in leaves.items():
            *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in name.split("/"))
            branch = tree
            for parent in parents:
                branch = branch.setdefault(parent, {})
            branch[last] = {} if array is None else array
        return tree
    except (package.SafetensorError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise LogFormatError(f"is no file of arrays in the format safetensors: {error!r}", path) from error


def _safetensors() -> Any:
    try:
        import safetensors
    except ImportError as error:
        problem = f'arrays are saved and loaded with safetensors: pip install "l2logger[models]" ({error})'
        raise ImportError(problem, name="safetensors") from error
    return safetensors


def _leaves(tree: Mapping[str, Any], prefix: str, *, nested: bool) -> Iterator[tuple[str, Any]]:
    """Yield the name of each array, and of each mapping that is empty."""
    for key, value in tree.items():
        if not isinstance(key, str) or key == "__metadata__":
            raise SignalError(f"arrays are saved by names that are text, got {key!r} ({type(key).__name__})")
        name = prefix + (key.replace("~", "~0").replace("/", "~1") if nested else key)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{name}/", nested=nested)
        else:
            yield name, value


def _on_host(name: str, value: Any) -> Any:
    """Return a contiguous array of numpy, or tensor in the memory of the host; copied only where it has to be."""
    import numpy

    dtype = str(getattr(value, "dtype", type(value).__name__)).removeprefix("torch.")
    if isinstance(value, bool | int | float) or hasattr(value, "dtype"):
        try:
            if _is_tensor(value):
                if str(value.layout) != "torch.strided":
                    raise ValueError("it is sparse; make it dense with to_dense()")
                array = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
            else:
                array = numpy.asarray(value, order="C")
                dtype = array.dtype.name
            if dtype in _DTYPES:
                return array
        except (RuntimeError, TypeError, ValueError) as error:
            raise SignalError(f"{name!r} cannot be saved: {error}") from error
    raise SignalError(
        f"{name!r} is of the type {dtype}, which cannot be saved as an array; there can be {', '.join(_DTYPES)}; "
        "what else belongs to it can go into the metadata"
    )


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
