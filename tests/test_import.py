"""What `import tensorgrad` loads, and what it leaves as it was. Each test needs an interpreter of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tensorgrad

HEAVY = ("numba", "llvmlite", "scipy", "cupy", "matplotlib", "tqdm", "safetensors", "torch", "jax", "mpi4py")

# Everything a library could change behind the back of the program that imports it. repr() makes it comparable and
# printable; what a module sets at its own import is its own business, so it is imported before the first look.
LOOK_AROUND = """
import gc, json, locale, logging, os, random, signal, sys, threading, warnings
import numpy as np

def look_around():
    seen = {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "np.geterr": np.geterr(),
        "np.geterrcall": np.geterrcall(),
        "np.getbufsize": np.getbufsize(),
        "print options": np.get_printoptions(),
        "np.random": np.random.get_state(),
        "random": random.getstate(),
        "gc.isenabled": gc.isenabled(),
        "gc.get_threshold": gc.get_threshold(),
        "gc.callbacks": gc.callbacks,
        "gc.get_freeze_count": gc.get_freeze_count(),
        "gc.get_debug": gc.get_debug(),
        "signals": {s.name: signal.getsignal(s) for s in signal.valid_signals() if hasattr(s, "name")},
        "warnings": warnings.filters,
        "showwarning": (warnings.showwarning, warnings.formatwarning),
        "hooks": (sys.excepthook, sys.displayhook, threading.excepthook, sys.unraisablehook),
        "tracing": (sys.gettrace(), sys.getprofile()),
        "limits": (sys.getrecursionlimit(), sys.getswitchinterval()),
        "sys.path": sys.path,
        "meta path": sys.meta_path,
        "logging": (logging.root.level, logging.root.handlers),
        "locale": locale.setlocale(locale.LC_ALL),
    }
    numba = sys.modules.get("numba")
    if numba is not None:
        seen["numba.config"] = {name: value for name, value in vars(numba.config).items() if name.isupper()}
        seen["numba threads"] = numba.get_num_threads()
    return {name: repr(value) for name, value in seen.items()}
"""

A_LITTLE_USE = """
import tensorgrad as tg

x = tg.tensor([[0.5, -1.0], [2.0, 3.0]], requires_grad=True)
tg.sum(tg.sigmoid(x @ x) * tg.exp(x)).backward()
assert x.grad is not None
with tg.no_grad():
    repr(x * 2)
try:
    x + tg.zeros((3,))
except Exception as error:
    str(error)
else:
    raise AssertionError("shapes (2, 2) and (3,) do not broadcast")

model = tg.nn.Sequential(tg.nn.Linear(64, 32), tg.nn.Sigmoid(), tg.nn.Linear(32, 10))
optimizer = tg.optim.Adam(model.parameters(), lr=1e-2)
labels = tg.asarray(np.arange(256) % 10)
for _ in range(3):
    loss = tg.nn.CrossEntropyLoss()(model(tg.ones((256, 64))), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
assert np.isfinite(loss.item())
"""

REPORT = """
after = look_around()
print(json.dumps({name: (before[name], after[name]) for name in before if before[name] != after[name]}))
"""


def fresh_interpreter(program: str) -> Any:
    """The JSON that a program prints last, run where tensorgrad is what this process imported."""
    root = str(Path(tensorgrad.__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_import_loads_nothing_heavy() -> None:
    loaded = fresh_interpreter("import sys, json, tensorgrad; print(json.dumps(sorted(sys.modules)))")
    assert "numpy" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_this_file_would_notice_a_heavy_import() -> None:
    loaded = fresh_interpreter("import sys, json, tensorgrad, scipy.special; print(json.dumps(sorted(sys.modules)))")
    assert [name for name in HEAVY if name in loaded] == ["scipy"]


def test_import_leaves_everything_as_it_was() -> None:
    assert fresh_interpreter(f"{LOOK_AROUND}\nbefore = look_around()\nimport tensorgrad\n{REPORT}") == {}


@pytest.mark.parametrize("already_there", ["", "numba", "cupy"])
def test_use_leaves_everything_as_it_was(already_there: str) -> None:
    """Also the settings of the libraries it uses, where the user's program had loaded them first."""
    if already_there:
        pytest.importorskip(already_there)
    preload = "".join(f"import {name}\n" for name in ("scipy.special", already_there) if name)
    assert fresh_interpreter(f"{preload}{LOOK_AROUND}\nbefore = look_around()\n{A_LITTLE_USE}\n{REPORT}") == {}


@pytest.mark.parametrize(
    ("misdeed", "noticed"),
    [
        ("os.environ['OMP_WAIT_POLICY'] = 'PASSIVE'", "environment"),
        ("np.seterr(all='ignore')", "np.geterr"),
        ("gc.disable()", "gc.isenabled"),
        ("gc.set_threshold(10_000)", "gc.get_threshold"),
        ("signal.signal(signal.SIGINT, signal.SIG_DFL)", "signals"),
        ("warnings.simplefilter('ignore')", "warnings"),
        ("np.random.seed(0)", "np.random"),
    ],
)
def test_this_file_would_notice_a_bad_guest(misdeed: str, noticed: str) -> None:
    assert list(fresh_interpreter(f"{LOOK_AROUND}\nbefore = look_around()\n{misdeed}\n{REPORT}")) == [noticed]


def test_works_without_the_optional_libraries() -> None:
    """With their import blocked, not merely absent, so that this machine's installation does not matter."""
    names = ("numba", "cupy", "matplotlib", "tqdm", "safetensors")
    block = f"import sys\nsys.modules.update(dict.fromkeys({names!r}))\n"
    program = f"{block}import json\nimport numpy as np\n{A_LITTLE_USE}\nprint(json.dumps('works'))"
    assert fresh_interpreter(program) == "works"
