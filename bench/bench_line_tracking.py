"""What it costs that every tensor knows the line that made it.

    python -m bench.bench_line_tracking

The call paths are compiled a second time with the line left out, and both are timed in turns: nanoseconds per
operation, on scalars, where the cost shows most. No test depends on it.
"""

from __future__ import annotations

import argparse
import inspect
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import tensorgrad as tg
from tensorgrad import paths
from tensorgrad.op import OPS

_TRACKING = re.compile(r"^( *)frame = _getframe\(\d\)\n(?: .*\n)*?\1line = state\.line or .*\n", re.M)


def without_lines(make_path: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same maker of call paths, compiled with the line left out."""
    source, count = _TRACKING.subn(r"\1line = None\n", inspect.getsource(make_path))
    if not count:
        raise RuntimeError(f"{make_path.__name__} does not look for lines where this script expects it")
    namespace = dict(vars(paths))
    exec(compile(source, f"<{make_path.__name__} without lines>", "exec"), namespace)
    return namespace[make_path.__name__]  # type: ignore[no-any-return]


def nanoseconds(call: Callable[[], Any], repeats: int) -> float:
    start = time.perf_counter_ns()
    for _ in range(repeats):
        call()
    return (time.perf_counter_ns() - start) / repeats


def measure(name: str, with_line: Callable[[], Any], without: Callable[[], Any], rounds: int, repeats: int) -> None:
    pairs = [(nanoseconds(with_line, repeats), nanoseconds(without, repeats)) for _ in range(rounds)]
    tracked, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
    difference = statistics.median(a - b for a, b in pairs)
    print(f"{name:34} {tracked:8.0f} {bare:8.0f} {difference:8.0f}   {tracked / bare:5.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--repeats", type=int, default=2000)
    options = parser.parse_args()
    binary, unary = without_lines(paths.binary_path), without_lines(paths.unary_path)
    multiply, sine = binary(OPS["multiply"]), unary(OPS["sin"])
    print(f"{'ns per operation':34} {'with':>8} {'without':>8} {'lines':>8}   ratio")
    for tracked in (False, True):
        x = tg.tensor(1.5, requires_grad=tracked)
        y = tg.tensor(1.01)
        kind = "tracked" if tracked else "untracked"
        pairs = {
            f"multiply, {kind}": (lambda x=x, y=y: tg.multiply(x, y), lambda x=x, y=y: multiply(x, y)),
            f"sin, {kind}": (lambda x=x: tg.sin(x), lambda x=x: sine(x)),
        }
        for name, (with_line, without) in pairs.items():
            measure(name, with_line, without, options.rounds, options.repeats)
    error = tg.tensor(1.0)
    start = time.perf_counter_ns()
    text = tg.core.report.made_at(error)
    print(f"resolving one line, when an error asks: {(time.perf_counter_ns() - start) / 1000:.0f} us ({text})")


if __name__ == "__main__":
    main()
