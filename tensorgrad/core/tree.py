"""Nested containers of tensors: tuples, lists, dicts and named tuples, flattened and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .tensor import Tensor

__all__ = ["flatten", "map_tensors"]


def flatten(tree: Any) -> list[Tensor]:
    """The tensors of a nested container in order. A tensor alone is a container of one; other leaves are skipped."""
    found: list[Tensor] = []
    map_tensors(lambda t: found.append(t) or t, tree)  # type: ignore[func-returns-value]
    return found


def map_tensors(function: Callable[[Tensor], Any], tree: Any) -> Any:
    """The same container with each tensor replaced by ``function(tensor)``."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, dict):
        return type(tree)((key, map_tensors(function, value)) for key, value in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_tensors(function, value) for value in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_tensors(function, value) for value in tree)
    return tree
