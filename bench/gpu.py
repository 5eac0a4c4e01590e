"""The GPU beside its own limits and beside the CPU: copies, products, dispatch, draws, a training step.

    python -m bench.gpu [--out FILE.json]

Each case is validated before it is timed. Device times are between events, over calls that follow each other without
waiting; a buffer set larger than the cache is rotated through where memory is what is measured. Needs a CUDA device.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tensorgrad as tg
from tensorgrad.backends import available, find
from tensorgrad.core.generator import Generator

from .compare import environment


def device_seconds(call: Callable[[int], Any], rounds: int = 15, seconds: float = 0.05) -> dict[str, float]:
    """Seconds per call on the device: median, best and worst of rounds; ``call`` gets a running number."""
    import cupy

    for index in range(3):
        call(index)
    cupy.cuda.runtime.deviceSynchronize()
    started = time.perf_counter()
    call(0)
    cupy.cuda.runtime.deviceSynchronize()
    count = max(3, int(seconds / max(time.perf_counter() - started, 1e-6)))
    times = []
    for _ in range(rounds):
        start, stop = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        for index in range(count):
            call(index)
        stop.record()
        stop.synchronize()
        times.append(cupy.cuda.get_elapsed_time(start, stop) / 1e3 / count)
    return {"seconds": statistics.median(times), "best": min(times), "worst": max(times), "calls": count}


def host_seconds(call: Callable[[], Any], count: int = 300) -> dict[str, float]:
    """Seconds per call that the host needs to submit the work."""
    import cupy

    times = []
    for _ in range(15):
        cupy.cuda.runtime.deviceSynchronize()
        started = time.perf_counter()
        for _ in range(count):
            call()
        times.append((time.perf_counter() - started) / count)
    cupy.cuda.runtime.deviceSynchronize()
    return {"seconds": statistics.median(times), "best": min(times), "worst": max(times), "calls": count}


def copies() -> dict[str, Any]:
    """The device's own copy bandwidth, and what elementwise ops and draws reach of it."""
    import cupy

    n = 1 << 26
    buffers = [cupy.ones(n, dtype="f") for _ in range(3)]
    out = cupy.empty(n, dtype="f")
    results = {"copy": device_seconds(lambda i: cupy.copyto(out, buffers[i % 3])) | {"bytes": 8 * n}}
    tensors = [tg.Tensor(x) for x in buffers]
    assert float((tensors[0] + tensors[1])[5]) == 2
    results["add"] = device_seconds(lambda i: tensors[i % 3] + tensors[(i + 1) % 3]) | {"bytes": 12 * n}
    results["exp"] = device_seconds(lambda i: tg.exp(tensors[i % 3])) | {"bytes": 8 * n}
    g = Generator(0)
    results["rand"] = device_seconds(lambda i: tg.rand(n, device="cuda", generator=g)) | {"bytes": 4 * n}
    results["randn"] = device_seconds(lambda i: tg.randn(n, device="cuda", generator=g)) | {"bytes": 4 * n}
    results["dropout"] = device_seconds(lambda i: tg.dropout(tensors[i % 3], 0.1, generator=g)) | {"bytes": 8 * n}
    peak = results["copy"]["bytes"] / results["copy"]["seconds"]
    for row in results.values():
        row["bytes_per_second"] = row["bytes"] / row["seconds"]
        row["of_copy"] = row["bytes_per_second"] / peak
    return results


def products() -> dict[str, Any]:
    """Batched half-precision products: ours against CuPy's own, and the operands' transposes."""
    import cupy

    results = {}
    ours = find("cuda").overrides["matmul"]
    for dtype in ("float16", "bfloat16", "float32"):
        kind = tg.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
        q = cupy.random.default_rng(0).standard_normal((64, 512, 128)).astype(kind)
        k = q.swapaxes(1, 2)
        exact = np.matmul(*(cupy.asnumpy(x[:1]).astype("d") for x in (q, k)))
        got = cupy.asnumpy(ours(q, k)[:1]).astype("d")
        assert np.abs(got - exact).max() <= 0.02 * np.abs(exact).max()
        row = device_seconds(lambda i, q=q, k=k: ours(q, k)) | {"flops": 2 * 64 * 512 * 512 * 128}
        row["flops_per_second"] = row["flops"] / row["seconds"]
        try:
            row["cupy_seconds"] = device_seconds(lambda i, q=q, k=k: cupy.matmul(q, k))["seconds"]
        except Exception as error:
            row["cupy_error"] = f"{type(error).__name__}: {error}"
        results[f"q @ k.T, 64 x 512 x 128, {dtype}"] = row
    return results


def dispatch() -> dict[str, Any]:
    """What one small operation costs the host, beside CuPy's bare call."""
    import cupy

    x = cupy.ones(8, dtype="f")
    t, tracked = tg.Tensor(x), tg.Tensor(x, requires_grad=True)
    return {
        "cupy add": host_seconds(lambda: x + x),
        "add": host_seconds(lambda: t + t),
        "add, recorded": host_seconds(lambda: tracked + t),
    }


def training() -> dict[str, Any]:
    """A step of an MLP on the CPU and on the device; both must come to the same loss."""
    results, losses = {}, {}
    for device in ("cpu", "cuda"):
        rng = np.random.default_rng(0)
        sizes = [784, 1024, 1024, 10]
        weights = [
            tg.tensor((rng.standard_normal(s) / s[0] ** 0.5).astype("f"), device=device, requires_grad=True)
            for s in itertools.pairwise(sizes)
        ]
        x = tg.tensor(rng.standard_normal((1024, 784)).astype("f"), device=device)

        def step(weights: list[Any] = weights, x: Any = x) -> Any:
            h = x
            for w in weights[:-1]:
                h = tg.matmul(h, w)
                h = 1 / (1 + tg.exp(-h))
            loss = (tg.matmul(h, weights[-1]) ** 2).mean()
            loss.backward()
            with tg.no_grad():
                for w in weights:
                    w -= 0.01 * w.grad
                    w.grad = None
            return loss

        losses[device] = float([step() for _ in range(3)][-1])
        if device == "cuda":
            results[device] = device_seconds(lambda i: step(), rounds=15)
        else:
            times = []
            for _ in range(7):
                started = time.perf_counter()
                step()
                times.append(time.perf_counter() - started)
            results[device] = {"seconds": statistics.median(times), "best": min(times), "worst": max(times), "calls": 1}
    assert abs(losses["cpu"] - losses["cuda"]) <= 1e-4 * abs(losses["cpu"]), losses
    results["peak_bytes"] = {"pool": find("cuda").memory_peak()}
    return results


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "copies": copies,
    "products": products,
    "dispatch": dispatch,
    "training": training,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    options = parser.parse_args()
    if not available()["cuda"]:
        sys.exit(f"bench.gpu: no CUDA device: {find('cuda').advice()}")
    report: dict[str, Any] = {"environment": environment()}
    for name, case in CASES.items():
        report[name] = case()
        for label, row in report[name].items():
            shown = ", ".join(f"{key} {value:.4g}" for key, value in row.items() if isinstance(value, (int, float)))
            print(f"{name}: {label}: {shown}", flush=True)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
