"""Signatures and statements as text: what ci/generate writes its files with."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

WIDTH = 120

# Where the names in annotations come from, as seen from core/_methods.pyi. Others: from the function's module.
KNOWN = {
    "Any": "from typing import Any",
    "Callable": "from collections.abc import Callable",
    "Device": "from ..backends.base import Device",
    "Generator": "from .generator import Generator",
    "Axis": "from ..ops.axes import Axis",
    "ModuleType": "from types import ModuleType",
    "Never": "from typing import Never",
    "Sequence": "from collections.abc import Sequence",
    "Tensor": "from .tensor import Tensor",
    "builtins": "import builtins",
    "np": "import numpy as np",
}
SHADOWED = {"bool", "float", "int"}  # methods have these names


def is_elementwise(f: Any) -> bool:
    """Whether the op table made this public function."""
    op = getattr(f, "op", None)
    return op is not None and op.elementwise and op.name == f.__name__


def natural(name: str) -> list[Any]:
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.findall(r"\d+|\D+", name)]


def wrapped(start: str, names: Iterable[str], indent: str = "") -> str:
    """``start a, b`` in one line, or within parentheses over several."""
    listed = sorted(names, key=natural)
    line = f"{indent}{start}{', '.join(listed)}"
    return f"{line}\n" if len(line) <= WIDTH else rows(f"{indent}{start}(", listed, f"{indent})")


def quoted(start: str, names: Iterable[str], end: str) -> str:
    return rows(start, [f'"{name}"' for name in sorted(names, key=natural)], end)


def rows(start: str, listed: Iterable[str], end: str) -> str:
    """Between ``start`` and ``end``, as many to a line as fit."""
    indent = " " * (len(start) - len(start.lstrip()))
    text, row = f"{start}\n", f"{indent}    "
    for name in listed:
        if len(row) + len(name) + 1 > WIDTH:
            text, row = f"{text}{row.rstrip()}\n", f"{indent}    "
        row += f"{name}, "
    return f"{text}{row.rstrip()}\n{end}\n"


def sorted_imports(lines: Iterable[str]) -> str:
    """Import statements in groups: standard library, NumPy, the package's own; one line per module."""
    plain = sorted(line for line in lines if line.startswith("import "))
    found: dict[str, set[str]] = {}
    for line in lines:
        if line.startswith("from "):
            _, place, _, name = line.split()
            found.setdefault(place, set()).add(name)
    froms = {p: wrapped(f"from {p} import ", names) for p, names in found.items()}
    own = [froms[p] for p in sorted(froms, key=lambda p: (-len(p) + len(p.lstrip(".")), p)) if p.startswith(".")]
    standard = [f"{line}\n" for line in plain if "numpy" not in line]
    standard += [froms[p] for p in sorted(froms) if not p.startswith(".")]
    groups = [standard, [f"{line}\n" for line in plain if "numpy" in line], own]
    return "\n".join("".join(group) for group in groups if group)


class Renamer(ast.NodeTransformer):
    """Annotations as they read inside the class: builtins under their full name."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.AST:
        self.names.add(node.id)
        if node.id in SHADOWED:
            self.names.add("builtins")
            return ast.Attribute(ast.Name("builtins"), node.id)
        return node


class Stub:
    """Signatures for a stub file, and the imports that they need."""

    def __init__(self) -> None:
        self.imports: set[str] = set()

    def type(self, annotation: Any, f: Callable[..., Any], otherwise: str = "Any") -> str:
        if annotation is inspect.Parameter.empty:
            text = otherwise
        else:
            text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", repr(annotation))
        text = "None" if text == "NoneType" else text
        renamer = Renamer()
        shown = ast.unparse(renamer.visit(ast.parse(text, mode="eval")))
        for name in renamer.names:
            if name in KNOWN:
                self.imports.add(KNOWN[name])
            elif not hasattr(builtins, name):
                home = inspect.unwrap(f).__globals__["__name__"].removeprefix("tensorgrad.")
                self.imports.add(f"from ..{home} import {name}")
        return shown

    def parameter(self, p: inspect.Parameter, f: Callable[..., Any]) -> str:
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        text = f"{star}{p.name}: {self.type(p.annotation, f)}"
        if p.default is not p.empty:
            plain = p.default is None or type(p.default) in (bool, int, float, str)
            text += f" = {p.default!r}" if plain and p.default == p.default else " = ..."
        return text

    def function(self, name: str, parameters: list[inspect.Parameter], returns: str, f: Any, indent: str = "") -> str:
        parts: list[str] = []
        kind = None
        for p in parameters:
            if kind is p.POSITIONAL_ONLY and p.kind is not p.POSITIONAL_ONLY:
                parts.append("/")
            if p.kind is p.KEYWORD_ONLY and kind not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL):
                parts.append("*")
            parts.append("self" if p.name == "self" else self.parameter(p, f))
            kind = p.kind
        if kind is inspect.Parameter.POSITIONAL_ONLY and len(parts) > 1:
            parts.append("/")
        ignore = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
        line = f"{indent}def {name}({', '.join(parts)}) -> {returns}: ..."
        if len(line) <= WIDTH:
            return f"{line}{ignore}\n"
        body = "".join(f"{indent}    {part},\n" for part in parts)
        return f"{indent}def {name}(\n{body}{indent}) -> {returns}: ...\n"


def of_elementwise(op: Any, method: bool) -> list[inspect.Parameter]:
    """The parameters of a function that the op table makes."""
    P = inspect.Parameter
    names = ["self", *op.inputs[1:]] if method else list(op.inputs)
    if names == ["self", "b"]:
        names = ["self", "other"]
    found = [P(n, P.POSITIONAL_ONLY, annotation="Any") for n in names]
    return found + [P(n, P.KEYWORD_ONLY, annotation="Any") for n in op.params]


def signature_of(name: str, f: Any) -> list[inspect.Parameter]:
    """A method's parameters, the tensor first and called self."""
    P = inspect.Parameter
    if is_elementwise(f):
        return of_elementwise(f.op, method=True)
    found = list(inspect.signature(getattr(f, "function", f)).parameters.values())
    found[0] = found[0].replace(name="self", annotation=P.empty)
    if not hasattr(f, "order"):
        if found[0].kind is P.POSITIONAL_ONLY and len(found) > 1 and found[1].kind is not P.POSITIONAL_ONLY:
            found[0] = found[0].replace(kind=P.POSITIONAL_OR_KEYWORD)
        return found
    by_name = {p.name: p for p in found[1:]}
    first = [by_name[n].replace(kind=P.POSITIONAL_OR_KEYWORD) for n in f.order if n in by_name]
    rest = [p for n, p in by_name.items() if n not in f.order]
    extra = [("dim", "axis"), ("keepdim", "keepdims")]
    both = [
        P(new, P.KEYWORD_ONLY, default=by_name[old].default, annotation=by_name[old].annotation)
        for new, old in extra
        if old in by_name
    ]
    first = [
        p if p.default is not P.empty else p.replace(default=None, annotation=f"{p.annotation} | None") for p in first
    ]
    both = [
        p if p.default is not P.empty else p.replace(default=None, annotation=f"{p.annotation} | None") for p in both
    ]
    return [found[0].replace(kind=P.POSITIONAL_OR_KEYWORD), *first, *rest, *both]
