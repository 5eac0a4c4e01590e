"""use_installed.py WHERE [--without MODULE...]: uses the tensorgrad installed under WHERE as a new user would.

Run by the interpreter of a clean environment with -I, so that neither the working folder nor PYTHONPATH helps.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path


def check(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(f"use_installed: {otherwise}")


def right_package(where: Path) -> None:
    import tensorgrad
    import tensorgrad.kernels

    for module in (tensorgrad, tensorgrad.kernels):
        file = Path(str(module.__file__))
        check(file.is_relative_to(where), f"{module.__name__} comes from {file}, expected below {where}")
    check((Path(str(tensorgrad.__file__)).parent / "py.typed").is_file(), "py.typed is missing")
    check(importlib.util.find_spec("kernels") is None, "a top-level package `kernels` got installed")
    installed = importlib.metadata.version("tensorgrad-engine")
    check(installed == tensorgrad.__version__, f"metadata says {installed}, the package {tensorgrad.__version__}")


def trains() -> None:
    """Half a second of training: a line through points, from a loss near 1 to one near 0."""
    import numpy as np

    import tensorgrad as tg

    x = np.linspace(-1, 1, 32, dtype=np.float32)[:, None]
    inputs, targets = tg.asarray(x), tg.asarray(2 * x + 1)
    model = tg.nn.Sequential(tg.nn.Linear(1, 8), tg.nn.Tanh(), tg.nn.Linear(8, 1))
    optimizer, loss_fn = tg.optim.Adam(model.parameters(), lr=0.05), tg.nn.MSELoss()
    losses = []
    for _ in range(200):
        loss = loss_fn(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    check(losses[-1] < 0.01 * losses[0], f"the loss went from {losses[0]} to {losses[-1]} only")


def command_line() -> None:
    """`tensorgrad info` works both ways, from a folder that has nothing to do with the project."""
    script = Path(sys.prefix) / "bin" / "tensorgrad"
    with tempfile.TemporaryDirectory() as elsewhere:
        for command in ([str(script)], [sys.executable, "-I", "-m", "tensorgrad"]):
            done = subprocess.run([*command, "info"], cwd=elsewhere, capture_output=True, text=True, timeout=120)
            check(done.returncode == 0 and "tensorgrad" in done.stdout, f"{command} info failed:\n{done}")
    print(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("where", type=Path)
    parser.add_argument("--without", nargs="*", default=[], metavar="MODULE", help="modules that must be absent")
    options = parser.parse_args()
    for module in options.without:
        check(importlib.util.find_spec(module) is None, f"{module} is installed; this check is about its absence")
    right_package(options.where.resolve())
    trains()
    command_line()


if __name__ == "__main__":
    main()
