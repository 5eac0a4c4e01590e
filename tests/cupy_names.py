"""What the code calls on CuPy, read off the source, and whether CuPy has it: no GPU needed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cupy

PACKAGE = Path(__file__).resolve().parents[1] / "tensorgrad"


class Use(NamedTuple):
    """A dotted name below a namespace, how it is called (None: it is not), and where."""

    name: str
    positional: int
    keywords: tuple[str, ...]
    called: bool
    where: str


def uses(path: Path, roots: tuple[str, ...]) -> Iterator[Use]:
    """Every use of ``root.name...`` in a file, ``roots`` being dotted expressions such as ``m.xp``.

    A plain name that is assigned from a root (``xp = m.xp``) or imported as one counts as a root too.
    """
    tree = ast.parse(path.read_text())
    known = {*roots, *aliases(tree, roots)}
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or id(node) in inner:
            continue
        dotted = spelled(node)
        root = next((r for r in known if dotted is not None and dotted.startswith(r + ".")), None)
        if root is None or dotted is None:
            continue
        call = calls.get(id(node))
        keywords = tuple(k.arg for k in call.keywords if k.arg) if call else ()
        positional = len(call.args) if call else 0
        name = dotted[len(root) + 1 :]
        yield Use(name, positional, keywords, call is not None, f"{path.name}:{node.lineno}")


def aliases(tree: ast.AST, roots: tuple[str, ...]) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and spelled(node.value) in roots:
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def spelled(node: ast.AST) -> str | None:
    """``a.b.c`` as text, None for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = spelled(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None


def resolve(name: str, root: Any = cupy) -> Any:
    """The object of a dotted name; raises AttributeError. cuBLAS's module is looked into without being loaded."""
    for part in name.split("."):
        if isinstance(root, CuBlas) or part == "cublas":
            return CuBlas()
        root = getattr(root, part)
    return root


class CuBlas:
    """cuBLAS's bindings need the library to load; their compiled module tells its functions all the same."""

    def __init__(self) -> None:
        import importlib.util

        spec = importlib.util.find_spec("cupy_backends.cuda.libs.cublas")
        assert spec is not None
        assert spec.origin is not None
        self.text = Path(spec.origin).read_bytes()

    def has(self, name: str) -> bool:
        return b"\0" + name.encode() + b"\0" in self.text

    def parameters(self, name: str) -> list[str]:
        """The parameter names of a function, from the signature embedded in its docstring."""
        start = self.text.index(name.encode() + b"(intptr_t handle")
        inside = self.text[start : self.text.index(b")", start)].decode().partition("(")[2]
        return [part.split()[-1] for part in inside.split(",")]


def misfit(function: Any, positional: int, keywords: tuple[str, ...]) -> str | None:
    """Why a function can't be called so, None if it can (or doesn't tell)."""
    if isinstance(function, cupy.ufunc):
        unknown = set(keywords) - {"out", "dtype", "casting", "where"}
        if unknown:
            return f"ufuncs take no {sorted(unknown)}"
        return None if function.nin <= positional <= function.nargs else f"takes {function.nin} operands"
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*[None] * positional, **dict.fromkeys(keywords))
    except TypeError as error:
        return str(error)
    return None
