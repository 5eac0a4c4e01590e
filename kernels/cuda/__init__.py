"""CUDA C++ sources, compiled by NVRTC on first use."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["source"]


def source(name: str) -> str:
    """The text of ``<name>.cu``.

    >>> "philox" in source("philox")
    True
    """
    return (files(__package__) / f"{name}.cu").read_text(encoding="utf-8")
