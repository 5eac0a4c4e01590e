"""``tensorgrad info``: what this machine can do, what is missing, and the command that adds it."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import Any

from .._version import __version__

__all__ = ["add", "describe", "run"]

WIDTH = 80


def add(commands: Any) -> None:
    """Describe the options."""
    parser = commands.add_parser(
        "info",
        help="show what this machine can do, what is missing, and the command that adds it",
        description="Show what this machine can do, what is missing, and the command that adds it.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs and bug reports")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it; returns 0."""
    from .machine import survey

    facts = {"tensorgrad": __version__, **survey()}
    print(json.dumps(facts, indent=2) if arguments.json else "\n".join(describe(facts)))
    return 0


def describe(facts: dict[str, Any]) -> list[str]:
    """The facts in lines of at most 80 columns (commands are never broken)."""
    python, cpu, memory, packages = facts["python"], facts["cpu"], facts["memory"], facts["packages"]
    free = ", without the GIL" if python["free_threading"] else ""
    simd = f", {cpu['simd']}" if cpu["simd"] else ""
    available = f", {_size(memory['available'])} available" if memory["available"] else ""
    rows = {
        "Python": f"{python['version']} ({python['implementation']}{free})",
        "system": facts["system"],
        "CPU": f"{cpu['name']}, {_count(cpu['cores'], 'core')}{simd}",
        "memory": f"{_size(memory['total'])}{available}",
        "NumPy": f"{packages['numpy']}, {_blas(facts['blas'])}",
        "SciPy": packages["scipy"] or "not installed",
        "numba": packages["numba"] or "not installed: everything works, more slowly",
        "GPU": _gpus(facts["gpu"]),
        "CuPy": _cupy(facts["cupy"], facts["gpu"]),
        "train": ", ".join(f"{name} {packages[name] or '-'}" for name in ("tqdm", "matplotlib", "safetensors")),
    }
    lines = [f"tensorgrad {facts['tensorgrad']}", ""]
    for name, text in rows.items():
        lines += textwrap.wrap(text, WIDTH, initial_indent=f"  {name:<9}", subsequent_indent=" " * 11)
    lines += ["", f"  Tensors can live on: {', '.join(facts['devices'])}"]
    if not facts["missing"]:
        return [*lines, "  Nothing is missing."]
    lines += ["", "  Missing:"]
    for item in facts["missing"]:
        lines += [f"    {item['name']}, for {item['for']}:", f"      {item['command']}"]
    return lines


def _gpus(gpu: dict[str, Any]) -> str:
    if not gpu["devices"]:
        return f"none: {gpu['note']}" if gpu["note"] else "none"
    names = [
        f"{device['name']}, {_size(device['memory'])}, compute capability {device['compute_capability']}"
        for device in gpu["devices"]
    ]
    distinct = [f"{names.count(name)} x {name}" if names.count(name) > 1 else name for name in dict.fromkeys(names)]
    return f"{'; '.join(distinct)}; driver {gpu['driver'] or 'unknown'}, CUDA up to {gpu['cuda'] or 'unknown'}"


def _cupy(cupy: dict[str, Any] | None, gpu: dict[str, Any]) -> str:
    if cupy is None:
        return "not installed" if gpu["devices"] else "not installed, and of no use without a GPU"
    state = "usable" if cupy["usable"] else "not usable" if gpu["devices"] else "of no use without a GPU"
    return f"{cupy['version']}" + (f", CUDA {cupy['cuda']}" if cupy["cuda"] else "") + f", {state}"


def _blas(blas: dict[str, Any]) -> str:
    threads = "" if blas["threads"] is None else f", {_count(blas['threads'], 'thread')}"
    version = f" {blas['version']}" if blas["version"] else ""
    return f"{blas['name'] or 'unknown BLAS'}{version}{threads}"


def _size(number: int | None) -> str:
    return "unknown" if number is None else f"{number / 2**30:.1f} GiB"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
