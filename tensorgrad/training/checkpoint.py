"""Checkpoints: nested state as one safetensors file, arrays as its tensors, the rest as JSON in its header.

Never pickle: loading a checkpoint runs no code. One file, so that tensors and the rest cannot disagree; written
atomically, so that a crash leaves the previous one; with a digest, so that damage is noticed. The format is that of
https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .errors import CheckpointError, require
from .files import write_atomically

__all__ = ["FORMAT", "load_checkpoint", "pack", "save_checkpoint", "unpack"]

FORMAT = "tensorgrad.checkpoint/1"
TENSOR, ITEMS, TUPLE, FLOAT = "$tensor", "$items", "$tuple", "$float"

Array = np.ndarray[Any, Any]


def save_checkpoint(path: str | os.PathLike[str], state: Any) -> None:
    """Write nested state: dictionaries, lists, tuples, Tensors, arrays, and Python's plain values.

    Raises CheckpointError for a value that cannot be stored, MissingPackage without safetensors, OSError; a
    checkpoint that was there stays as it was.
    """
    require("safetensors")
    from safetensors.numpy import save

    tensors: dict[str, Array] = {}
    tree = json.dumps(pack(state, tensors))
    # One entry only: the library writes several in no fixed order, and equal states shall give equal files.
    metadata = {FORMAT: json.dumps({"state": tree, "digest": _digest(tree, tensors)})}
    write_atomically(Path(path), save(tensors, metadata))


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """The state that ``save_checkpoint`` wrote, with arrays for Tensors.

    Raises CheckpointError for a file that is missing, damaged or something else, MissingPackage without safetensors.
    """
    require("safetensors")
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path}: damaged, or no safetensors file ({error})") from None
    if FORMAT not in metadata:
        raise CheckpointError(f"{path}: expected format {FORMAT}, got {' and '.join(metadata) or 'something else'}")
    try:
        content = json.loads(metadata[FORMAT])
        if content["digest"] == _digest(content["state"], tensors):
            return unpack(json.loads(content["state"]), tensors)
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: damaged: its header cannot be read ({error})") from None
    raise CheckpointError(f"{path}: damaged: its content does not match its digest")


def pack(value: Any, tensors: dict[str, Array], path: str = "") -> Any:
    """``value`` as what JSON can hold; arrays are put into ``tensors`` under their path.

    Floats, integers of any size and tuples come back as they were. Raises CheckpointError for any other type.
    """
    if isinstance(value, Tensor):
        value = value.backend.to_numpy(value.data)
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise CheckpointError(f"cannot store {path or 'the state'}: an array of Python objects")
        name = path or "value"
        while name in tensors:  # keys may hold dots, so two paths may read the same
            name += "~"
        # Tensors of no axes stay so: np.ascontiguousarray would give them one.
        tensors[name] = value.astype(value.dtype.newbyteorder("="), order="C", copy=True)
        return {TENSOR: name}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {FLOAT: repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: pack(item, tensors, _below(path, key)) for key, item in value.items()}
        pairs = [[pack(key, tensors, path), pack(item, tensors, _below(path, key))] for key, item in value.items()]
        return {ITEMS: pairs}
    if isinstance(value, (list, tuple)):
        items = [pack(item, tensors, _below(path, i)) for i, item in enumerate(value)]
        return {TUPLE: items} if isinstance(value, tuple) else items
    raise CheckpointError(f"cannot store {path or 'the state'}: a {type(value).__name__}")


def unpack(value: Any, tensors: Mapping[str, Array]) -> Any:
    """The inverse of ``pack``."""
    if isinstance(value, list):
        return [unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((kind, content),) = value.items()
        if kind == TENSOR:
            return tensors[content]
        if kind == FLOAT:
            return float(content)
        if kind == TUPLE:
            return tuple(unpack(item, tensors) for item in content)
        if kind == ITEMS:
            return {_hashable(unpack(key, tensors)): unpack(item, tensors) for key, item in content}
    return {key: unpack(item, tensors) for key, item in value.items()}


def _hashable(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _digest(tree: str, tensors: Mapping[str, Array]) -> str:
    digest = hashlib.sha256(tree.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
