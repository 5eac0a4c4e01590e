"""Finding backends: by array type, by device name, or by an installed distribution's entry point."""

from __future__ import annotations

import importlib
import threading
from typing import Any

import numpy as np

from ..errors import DeviceError, DTypeError
from .base import Backend, Device

__all__ = ["ENTRY_POINTS", "available", "backend_of", "find", "known_types", "parse_device"]

ENTRY_POINTS = "tensorgrad.backends"
"""Distributions add a backend under this entry point group: name = device kind, value = a Backend subclass."""

_BUILTIN = {"cpu": ("numpy", "NumpyBackend"), "cuda": ("cupy", "CupyBackend"), "shapes": ("shapes", "ShapesBackend")}
_MODULES = {"numpy": "cpu", "cupy": "cuda"}
_lock = threading.RLock()
_loaded: dict[str, Backend] = {}
known_types: dict[type[Any], Backend] = {}
"""Backends in use by the type of their arrays. Only grows."""


def _load(kind: str) -> Backend:
    with _lock:
        if kind in _loaded:
            return _loaded[kind]
        if kind in _BUILTIN:
            module, name = _BUILTIN[kind]
            backend: Backend = getattr(importlib.import_module(f".{module}", __package__), name)()
        else:
            backend = _load_entry_point(kind)
        _loaded[kind] = backend
        known_types[backend.array_type] = backend
        return backend


def _load_entry_point(kind: str) -> Backend:
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name == kind:
            backend = entry.load()()
            if not isinstance(backend, Backend):
                raise DeviceError(f"entry point {entry.value!r} for device {kind!r} is not a tensorgrad Backend")
            return backend
    raise DeviceError(f"unknown device {kind!r}: expected 'cpu', 'cuda', 'cuda:<index>' or 'shapes'")


def find(kind: str) -> Backend:
    """The backend of a kind of device (``"cpu"``, ``"cuda"``, ``"shapes"``, or one that a distribution adds).

    Raises DeviceError, with the command that installs it, where the library is missing.
    """
    backend = _loaded.get(kind)
    return _load(kind) if backend is None else backend


def backend_of(array: Any) -> Backend:
    """The backend of an array, by its type. Raises DTypeError for what is no array of a known library."""
    backend = known_types.get(type(array))
    if backend is not None:
        return backend
    for loaded in tuple(_loaded.values()):
        if isinstance(array, loaded.array_type):
            return loaded
    kind = _MODULES.get(type(array).__module__.partition(".")[0])
    if kind is None:
        raise DTypeError(f"expected an array of a known backend, got {type(array).__module__}.{type(array).__name__}")
    return find(kind)


def parse_device(spec: Device | str) -> Device:
    """``"cpu"``, ``"cuda"``, ``"cuda:1"`` or a Device, as a Device. Raises DeviceError for anything else."""
    if isinstance(spec, Device):
        return spec
    if not isinstance(spec, str):
        raise DeviceError(f"expected a device such as 'cpu' or 'cuda:0', got {spec!r}")
    kind, colon, index = spec.partition(":")
    if colon and not index.isdecimal():
        raise DeviceError(f"expected a device such as 'cpu' or 'cuda:0', got {spec!r}")
    if kind not in _BUILTIN:
        find(kind)
    return Device(kind, int(index) if index else 0)


def available() -> dict[str, bool]:
    """Which kinds of device can be used now; never raises, and imports CuPy only to ask it.

    >>> import tensorgrad as tg
    >>> tg.backends.available()["cpu"]
    True
    """
    answer = {}
    for kind in _BUILTIN:
        try:
            answer[kind] = bool(find(kind).devices())
        except Exception:
            answer[kind] = False
    return answer


def _register_numpy() -> None:
    backend = find("cpu")
    known_types[np.ndarray] = backend


_register_numpy()
