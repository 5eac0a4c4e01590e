"""Timing side by side: on a machine that is never quiet, only the ratio of two things timed together means anything."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

__all__ = ["Comparison", "compare", "environment"]


@dataclass(frozen=True)
class Comparison:
    """Ours against a peer's: medians over rounds, in seconds per call; the ratio is the rounds' ratios' median."""

    case: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    rounds: int
    target: float | None

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.ratio <= self.target

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}

    def __str__(self) -> str:
        verdict = "" if self.target is None else f"  target {self.target:.2f}x {'met' if self.met else 'MISSED'}"
        return (
            f"{self.case:34} {self.ours * 1e6:10.1f} us {self.theirs * 1e6:10.1f} us  {self.ratio:5.2f}x "
            f"({self.low:.2f} to {self.high:.2f}){verdict}"
        )


def compare(
    case: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    peer: str,
    target: float | None = None,
    rounds: int = 31,
    seconds: float = 0.03,
) -> Comparison:
    """Alternate the two, each for about ``seconds`` a round, and compare by round; the order changes each round."""
    counts = [_calls_in(f, seconds) for f in (ours, theirs)]
    times: list[tuple[float, float]] = []
    for index in range(rounds):
        measured = {}
        for which in ((0, 1) if index % 2 else (1, 0)):
            f = (ours, theirs)[which]
            started = time.perf_counter()
            for _ in range(counts[which]):
                f()
            measured[which] = (time.perf_counter() - started) / counts[which]
        times.append((measured[0], measured[1]))
    ratios = sorted(a / b for a, b in times)
    quarter = len(ratios) // 4
    return Comparison(
        case,
        peer,
        statistics.median(a for a, _ in times),
        statistics.median(b for _, b in times),
        statistics.median(ratios),
        ratios[quarter],
        ratios[-1 - quarter],
        rounds,
        target,
    )


def _calls_in(f: Callable[[], Any], seconds: float) -> int:
    for _ in range(3):
        f()
    started = time.perf_counter()
    f()
    return max(1, round(seconds / max(time.perf_counter() - started, 1e-9)))


def environment() -> dict[str, Any]:
    """What a number means nothing without: date, machine, versions."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "versions": {name: _version(name) for name in ("tensorgrad-engine", "numpy", "scipy", "numba", "torch")},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    import os

    model = platform.processor() or "unknown"
    try:
        with open("/proc/cpuinfo") as file:
            model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores"
