"""The engine's own costs beside PyTorch's: chains of scalars, small and middle networks, import time, peak memory.

    python -m bench.engine --out bench/results/engine.json

Needs PyTorch. Two threads each, interleaved in one process; memory in a fresh process each.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tensorgrad as tg

from .compare import Comparison, compare, environment

Pair = tuple[Callable[[], Any], Callable[[], Any]]


def chain_pair(length: int = 200) -> Pair:
    """A chain of scalar operations, forward and backward: nothing but overhead."""
    import torch

    def run(x: Any, y: Any, sin: Callable[[Any], Any]) -> Any:
        z = x
        for _ in range(length // 4):
            z = z * y
            z = z + y
            z = z * 1.01
            z = sin(z)
        z.backward()
        return z

    ours = tg.tensor(1.5, requires_grad=True), tg.tensor(1.01, requires_grad=True)
    theirs = torch.tensor(1.5, requires_grad=True), torch.tensor(1.01, requires_grad=True)
    run(*ours, tg.sin)
    run(*theirs, torch.sin)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-4)
    return lambda: run(*ours, tg.sin), lambda: run(*theirs, torch.sin)


def network(library: Any, sizes: list[int]) -> Any:
    """A sigmoid network in PyTorch or tensorgrad: the same code."""
    nn = library.nn
    layers: list[Any] = []
    for inner, outer in itertools.pairwise(sizes):
        layers += [nn.Linear(inner, outer), nn.Sigmoid()]
    return nn.Sequential(*layers[:-1])


def trainer(library: Any, sizes: list[int], batch: int, state: dict[str, np.ndarray[Any, Any]] | None) -> Any:
    """``(step, model)``: one training step of SGD on fixed data."""
    rng = np.random.default_rng(0)
    x = library.asarray(rng.normal(size=(batch, sizes[0])).astype(np.float32))
    y = library.asarray(rng.integers(0, sizes[-1], size=batch))
    model = network(library, sizes)
    if state is not None:
        model.load_state_dict({name: library.asarray(value) for name, value in state.items()})
    optimizer = library.optim.SGD(model.parameters(), lr=0.01)
    loss_of = library.nn.CrossEntropyLoss()

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, model


def network_pair(sizes: list[int], batch: int) -> Pair:
    """The same training step in both, from the same weights; five steps must agree before anything is timed."""
    import torch

    theirs, model = trainer(torch, sizes, batch, None)
    ours, _ = trainer(tg, sizes, batch, {name: value.numpy().copy() for name, value in model.state_dict().items()})
    for _ in range(5):
        np.testing.assert_allclose(ours().item(), theirs().item(), rtol=1e-4)
    return ours, theirs


def import_seconds(rounds: int) -> dict[str, float]:
    """Time to import tensorgrad beyond NumPy, fresh processes alternating; the median difference."""

    def once(code: str) -> float:
        timed = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
        return float(subprocess.run([sys.executable, "-c", timed], check=True, capture_output=True, text=True).stdout)

    pairs = [(once("import numpy"), once("import numpy; import tensorgrad")) for _ in range(rounds)]
    return {
        "numpy": statistics.median(a for a, _ in pairs),
        "beyond_numpy": statistics.median(b - a for a, b in pairs),
        "target": 0.15,
    }


def peak_memory(sizes: list[int], batch: int, rounds: int) -> dict[str, float]:
    """Growth of the high-water mark over one forward and backward, in MiB; a fresh process each."""
    found: dict[str, float] = {}
    for name in ("tensorgrad", "torch"):
        command = [sys.executable, "-m", "bench.engine", "--memory-of", name, *map(str, (batch, *sizes))]
        done = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(rounds)]
        runs = [float(run.stdout) for run in done]
        found[name] = statistics.median(runs)
    found["ratio"] = found["tensorgrad"] / found["torch"]
    found["target"] = 1.0
    return found


def memory_of(name: str, batch: int, sizes: list[int]) -> float:
    """In this process: MiB by which one forward and backward raises the high-water mark, after a tiny warm-up.

    Importing a library leaves a mark that may be higher than all that follows, so the kernel is asked to forget it
    (``/proc/self/clear_refs``, Linux).
    """
    import importlib

    library = importlib.import_module(name)
    if name == "torch":
        library.set_num_threads(2)

    def run(batch: int, sizes: list[int]) -> Callable[[], Any]:
        rng = np.random.default_rng(0)
        x = library.asarray(rng.normal(size=(batch, sizes[0])).astype(np.float32))
        y = library.asarray(rng.integers(0, sizes[-1], size=batch))
        model, loss_of = network(library, sizes), library.nn.CrossEntropyLoss()
        return lambda: loss_of(model(x), y).backward()

    run(2, [4, 4, 4])()
    work = run(batch, sizes)
    Path("/proc/self/clear_refs").write_text("5")
    before = _kib("VmRSS")
    work()
    return (_kib("VmHWM") - before) / 1024


def _kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    parser.add_argument("--rounds", type=int, default=31, help="rounds per comparison (default 31)")
    parser.add_argument("--memory-of", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        name, batch, *sizes = options.memory_of
        print(memory_of(name, int(batch), [int(n) for n in sizes]))
        return
    import torch

    torch.set_num_threads(2)
    started = time.perf_counter()
    cases: list[tuple[str, Pair, float]] = [
        ("200 scalar ops, fwd + bwd", chain_pair(), 0.5),
        ("MLP 64-32-10, batch 32, SGD step", network_pair([64, 32, 10], 32), 0.4),
        ("MLP 784-256-128-10, batch 128, SGD", network_pair([784, 256, 128, 10], 128), 0.9),
    ]
    print(f"{'case':34} {'tensorgrad':>13} {'PyTorch':>13}  ratio (middle half of {options.rounds} rounds)")
    rows: list[Comparison] = []
    for name, (ours, theirs), target in cases:
        rows.append(compare(name, ours, theirs, "torch", target, options.rounds))
        print(rows[-1])
    loading = import_seconds(9)
    beyond, numpy = loading["beyond_numpy"] * 1e3, loading["numpy"] * 1e3
    print(f"import: {beyond:.0f} ms beyond NumPy's {numpy:.0f} ms  target 150 ms")
    memory = {}
    for sizes, batch in (([784, 256, 128, 10], 8192), ([1024, 1024, 1024, 1024, 10], 4096)):
        label = f"MLP {'-'.join(map(str, sizes))}, batch {batch}"
        memory[label] = found = peak_memory(sizes, batch, 5)
        ours, theirs = found["tensorgrad"], found["torch"]
        print(f"peak memory, {label}: {ours:.1f} MiB, PyTorch {theirs:.1f} MiB, {found['ratio']:.2f}x")
    if options.out:
        report = {
            "environment": environment(),
            "threads": 2,
            "comparisons": [row.as_dict() for row in rows],
            "import": loading,
            "memory_mib": memory,
            "seconds": time.perf_counter() - started,
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
