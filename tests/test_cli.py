"""The command line as people use it: what it prints, writes and returns."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tensorgrad.cli import info, machine, main
from tensorgrad.cli.driver import Driver, Gpu, query_driver
from tensorgrad.datasets import load_digits

ROOT = Path(__file__).parents[1]
FILES = {
    "checkpoint.safetensors", "config.json", "confusion_matrix.png", "learning_curve.png", "metrics.csv",
    "model.safetensors",
}  # fmt: skip
QUICK = ["train", "--epochs", "2", "--batch", "200", "--hidden", "8", "--device", "cpu"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def needs_extras() -> None:
    for package in ("safetensors", "matplotlib"):
        pytest.importorskip(package, reason="needs the extra 'train'")


def only_run(parent: str | Path = "runs") -> Path:
    (folder,) = Path(parent).iterdir()
    return folder


def metrics(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def command(*arguments: str, **settings) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "tensorgrad", *arguments], env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, **settings,
    )  # fmt: skip


# Training.


def test_train_with_no_arguments_does_the_main_job(capsys):
    needs_extras()
    assert main(["train"]) == 0
    printed, complaints = capsys.readouterr()
    assert complaints == ""
    assert max(map(len, printed.splitlines())) <= 80
    folder = only_run()
    assert {path.name for path in folder.iterdir()} == FILES
    accuracy = float(re.search(r"accuracy +([\d.]+) % on held-out", printed)[1])
    assert accuracy >= 97.0
    rows = metrics(folder)
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in range(1, 31)]
    assert float(rows[-1]["test_accuracy"]) * 100 == pytest.approx(accuracy, abs=0.006)
    config = json.loads((folder / "config.json").read_text())
    assert config["data"]["source"] == "UCI handwritten digits"
    assert config["settings"]["seed"] == 0
    for part in (
        "1,438 to train on",
        "359 held out",
        "64-128-10 sigmoid",
        "Adam",
        "device",
        str(folder),
        "hardest class",
    ):
        assert part in printed.replace("\n            ", " "), part


def test_same_seed_same_bytes(capsys):
    needs_extras()
    for seed, out in (("3", "a"), ("3", "b"), ("4", "c")):
        assert main([*QUICK, "--seed", seed, "--out", out, "--quiet"]) == 0
    capsys.readouterr()
    a, b, c = (only_run(out) for out in "abc")
    for name in ("model.safetensors", "confusion_matrix.png"):
        assert (a / name).read_bytes() == (b / name).read_bytes()
    assert metrics(a) == metrics(b)
    assert (a / "model.safetensors").read_bytes() != (c / "model.safetensors").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_by_a_signal_and_resumed_is_bit_identical(tmp_path, number, code):
    needs_extras()
    arguments = ["--epochs", "12", "--dropout", "0.2", "--optimizer", "adamw", "--batch", "16", "--device", "cpu"]
    with command("train", *arguments, "--out", "stopped", cwd=tmp_path) as process:
        for line in process.stdout:
            if line.startswith("epoch  1/"):
                process.send_signal(number)
                break
        rest, complaints = process.stdout.read(), process.stderr.read()
    assert process.returncode == code
    assert complaints == ""
    folder = only_run("stopped")
    assert "Everything is saved" in rest
    assert f"tensorgrad train --resume {folder}" in rest
    assert not (folder / "model.safetensors").exists()
    assert 1 <= len(metrics(folder)) < 12
    assert main(["train", "--resume", str(folder), "--quiet"]) == 0
    assert main(["train", *arguments, "--out", "straight", "--quiet"]) == 0
    straight = only_run("straight")
    assert (folder / "model.safetensors").read_bytes() == (straight / "model.safetensors").read_bytes()
    assert metrics(folder) == metrics(straight)


def test_resume_trains_longer(capsys):
    needs_extras()
    assert main([*QUICK, "--quiet"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    before = metrics(folder)
    assert main(["train", "--resume", str(folder), "--epochs", "4"]) == 0
    assert "resumed" in capsys.readouterr().out
    rows = metrics(folder)
    assert len(rows) == 4
    assert rows[:2] == before
    assert float(rows[2]["learning_rate"]) > float(rows[1]["learning_rate"])  # the cosine now reaches over four epochs
    # A finished run has nothing left to do, and says how it came out.
    assert main(["train", "--resume", str(folder / "checkpoint.safetensors")]) == 0
    assert metrics(folder) == rows


def test_resume_from_another_directory(tmp_path, monkeypatch, capsys):
    needs_extras()
    write_table(Path("table.csv"))
    assert main([*QUICK, "--data", "table.csv", "--quiet"]) == 0
    folder = only_run().absolute()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert main(["train", "--resume", str(folder), "--epochs", "3", "--quiet"]) == 0
    assert len(metrics(folder)) == 3


def write_table(path: Path, rows: int = 300) -> Path:
    digits = load_digits().take(np.arange(rows))
    table = np.column_stack([digits.inputs.reshape(rows, -1), digits.labels])
    np.savetxt(path, table, fmt="%d", delimiter=",")
    return path


def test_train_on_every_kind_of_file(capsys):
    from test_datasets import idx

    digits = load_digits()
    write_table(Path("table.csv"))
    np.savez(
        "both.npz", x_train=digits.inputs, y_train=digits.labels, x_test=digits.inputs[:50], y_test=digits.labels[:50]
    )
    np.savez("other.npz", a=digits.inputs[:200], b=digits.labels[:200])
    Path("images").write_bytes(idx(digits.inputs))
    Path("labels").write_bytes(idx(digits.labels.astype(np.uint8)))
    Path("named.csv").write_text("kind,x,y\n" + "ant,1,2\nbee,3,5\n" * 20)
    for arguments, expected in (
        (["--data", "table.csv"], "10 classes, inputs 64"),
        (["--data", "both.npz"], "1,797 to train on, 50"),
        (["--data", "images", "labels", "--test", "images", "labels"], "1,797 to train on, 1,797"),
        (["--data", "other.npz", "--keys", "a", "b", "--held-out", "0.5"], "inputs 8x8"),
        (["--data", "named.csv", "--label", "kind"], "2 classes"),
        (["--data", "named.csv", "--label", "0"], "2 classes"),
    ):
        assert main([*QUICK, "--no-pictures", *arguments]) == 0
        assert expected in capsys.readouterr().out.replace("\n            ", " ")


def test_quiet_prints_the_folder_only(capsys):
    needs_extras()
    assert main([*QUICK, "--quiet"]) == 0
    printed, complaints = capsys.readouterr()
    assert printed == f"{only_run()}\n"
    assert complaints == ""


def test_without_pictures():
    needs_extras()
    assert main([*QUICK, "--no-pictures", "--quiet"]) == 0
    assert {path.name for path in only_run().iterdir()} == {name for name in FILES if not name.endswith(".png")}


@pytest.mark.parametrize(
    "package, gone, note",
    [
        ("matplotlib", {"learning_curve.png", "confusion_matrix.png"}, "no pictures"),
        ("safetensors", {"model.safetensors", "checkpoint.safetensors"}, "neither model nor checkpoint is saved"),
        ("tqdm", set(), "no progress bar"),
    ],
)
def test_missing_packages_cost_what_they_are_for(package, gone, note, monkeypatch, capsys):
    needs_extras()
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main(QUICK) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert note in printed
    assert f"-m pip install {package}" in printed
    assert {path.name for path in only_run().iterdir()} == FILES - gone


def test_a_run_that_diverges_says_so_and_keeps_its_metrics(capsys):
    needs_extras()
    assert main([*QUICK, "--lr", "1e30", "--optimizer", "sgd", "--activation", "relu", "--quiet"]) == 1
    complaint = capsys.readouterr().err
    assert re.fullmatch(r"tensorgrad: error: the loss is no longer finite .* --lr .*\n", complaint)
    assert (only_run() / "metrics.csv").exists()


@pytest.mark.gpu
def test_train_takes_the_gpu_where_there_is_one(capsys):
    needs_extras()
    assert main(["train"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"device +cuda:0: NVIDIA", printed)
    assert float(re.search(r"accuracy +([\d.]+) % on held-out", printed)[1]) >= 97.0


# What is wrong is one line.


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], "required: command"),
        (["fly"], "invalid choice: 'fly'"),
        (["train", "--bogus"], "unrecognized arguments: --bogus"),
        (["train", "--epoch", "3"], "unrecognized arguments"),
        (["train", "--epochs", "many"], "--epochs: expected a whole number, got 'many'"),
        (["train", "--epochs", "0"], "--epochs: expected a whole number of at least 1, got 0"),
        (["train", "--lr", "fast"], "--lr: expected a number, got 'fast'"),
        (["train", "--lr", "-0.1"], "--lr: expected a finite number above 0, got -0.1"),
        (["train", "--lr", "nan"], "--lr: expected a finite number above 0, got nan"),
        (["train", "--dropout", "1"], "--dropout: expected a finite number of at least 0 and below 1"),
        (["train", "--hidden", "0"], "--hidden: expected layer sizes of at least 1"),
        (["train", "--activation", "sine"], "--activation: invalid choice"),
        (["train", "--optimizer", "lion"], "--optimizer: invalid choice"),
        (["train", "--held-out", "1.5"], "--held-out: expected"),
        (["train", "--weight-decay", "-1"], "--weight-decay: expected"),
        (["train", "--data", "nothing.csv"], "nothing.csv: no such file"),
        (["train", "--data", "no/where/nothing.csv"], "there is no directory no/where"),
        (["train", "--data", "."], "expected a file, or a directory with MNIST's"),
        (["train", "--data", "bad.csv"], "bad.csv: line 2, column 2: expected a number, got 'x'"),
        (["train", "--data", "bad.npz"], "bad.npz: expected a .npz archive"),
        (["train", "--data", "good.csv", "--label", "z"], "good.csv: no column named 'z'"),
        (["train", "--data", "good.csv", "--test", "nothing.csv"], "nothing.csv: no such file"),
        (["train", "--keys", "a", "b", "--data", "good.csv"], "array names"),
        (["train", "--device", "tpu"], "'tpu'"),
        (["train", "--device", "shapes"], "shapes holds no values"),
        (["train", "--device", "cuda:x"], "'cuda:x'"),
        (["train", "--out", "good.csv"], "good.csv: expected a directory, got a file"),
        (["train", "--out", "good.csv/runs"], "Not a directory"),
        (["train", "--resume", "nowhere"], "nowhere: no such run"),
        (["train", "--resume", "."], "nothing to resume"),
        (["train", "--resume", ".", "--lr", "1"], "--lr: a run goes on with the settings it has"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_exit_code_2(arguments, expected, capsys):
    Path("good.csv").write_text("1,2,0\n3,4,1\n" * 10)
    Path("bad.csv").write_text("1,2,0\n3,x,1\n")
    Path("bad.npz").write_bytes(b"PK and then nothing")
    assert main(arguments) == 2
    printed, complaints = capsys.readouterr()
    assert printed == ""
    assert complaints.startswith("tensorgrad: error: ")
    assert complaints.count("\n") == 1
    assert expected in complaints
    assert not Path("runs").exists()


def test_mistakes_with_a_real_run(capsys):
    needs_extras()
    write_table(Path("table.csv"))
    assert main([*QUICK, "--data", "table.csv", "--quiet"]) == 0
    folder = only_run()
    capsys.readouterr()
    assert main(["train", "--resume", str(folder), "--epochs", "1"]) == 2
    assert "--epochs: the run has 2 epochs behind it already" in capsys.readouterr().err
    write_table(Path("table.csv"), rows=200)
    assert main(["train", "--resume", str(folder), "--epochs", "3"]) == 2
    assert "the data is not what this run was started with" in capsys.readouterr().err
    (folder / "checkpoint.safetensors").write_bytes(b"damaged")
    assert main(["train", "--resume", str(folder)]) == 2
    assert "damaged" in capsys.readouterr().err


@pytest.mark.skipif(machine.usable_devices() != ["cpu"], reason="there is a CUDA device here")
def test_cuda_where_there_is_none(capsys):
    assert main([*QUICK[:-2], "--device", "cuda"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "cuda" in complaint


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a folder that it may not write to")
def test_output_that_cannot_be_written(capsys):
    Path("locked").mkdir(mode=0o500)
    assert main([*QUICK, "--out", "locked/runs"]) == 2
    assert "locked/runs: Permission denied" in capsys.readouterr().err


# Other ways in and out.


def test_python_dash_m_and_version():
    process = command("--version")
    printed, complaints = process.communicate(timeout=60)
    assert re.fullmatch(r"tensorgrad \d+\.\d+\S*\n", printed)
    assert (process.returncode, complaints) == (0, "")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["info", "--help"]])
def test_help_fits_the_terminal(arguments, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("usage: tensorgrad")
    assert max(map(len, lines)) <= 80


def test_help_and_info_import_nothing_heavy():
    program = (
        "import sys; from tensorgrad.cli import main; main(['train', '--help']); main(['info'])\n"
        "heavy = {'matplotlib', 'tqdm', 'safetensors', 'numba', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60, stdout=subprocess.DEVNULL)


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_a_reader_that_leaves_is_no_error():
    process = command("train", "--help")
    process.stdout.close()
    with process.stderr:
        code, said = process.wait(timeout=60), process.stderr.read()
    assert (code, said) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_progress_bar_on_a_terminal(tmp_path):
    needs_extras()
    pytest.importorskip("tqdm", reason="needs the extra 'train'")
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("COLUMNS", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "tensorgrad", "train", "--epochs", "20", "--no-pictures", "--device", "cpu"],
        cwd=tmp_path, env=environment, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how a pseudo-terminal says that the other side is gone
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(timeout=60) == 0
    text = shown.decode()
    bars = [part for part in re.split(r"[\r\n]", text) if part.startswith("epoch")]
    assert bars, text
    assert max(map(len, bars)) <= 80
    assert re.search(r"epoch +\d+/20: loss \d\.\d{4}, held out \d+\.\d % \|", text)
    assert "on held-out data" in text


# The machine.


def test_info_is_one_screen(capsys):
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24 + 2 * len(machine.PURPOSE)
    for part in ("tensorgrad", "Python", "CPU", "memory", "NumPy", "SciPy", "numba", "GPU", "CuPy"):
        assert any(part in line for line in lines), part
    assert all(len(line) <= 80 for line in lines if "pip install" not in line)


def test_info_as_json(capsys):
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["packages"]["numpy"] == np.__version__
    assert facts["cpu"]["cores"] >= 1
    assert "cpu" in facts["devices"]


def test_info_counts_blas_threads_as_threadpoolctl_does():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="threadpoolctl is the oracle")
    theirs = [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    if not theirs:
        pytest.skip("threadpoolctl finds no BLAS")
    assert machine.survey()["blas"]["threads"] in theirs


def test_info_never_raises(monkeypatch, capsys):
    def broken(*arguments: object, **settings: object) -> None:
        raise RuntimeError("broken")

    for name in ("query_driver", "_simd", "_memory_total", "_memory_available", "_blas", "_cupy", "usable_devices"):
        monkeypatch.setattr(machine, name, broken)
    assert main(["info"]) == 0
    assert "unknown" in capsys.readouterr().out
    assert main(["info", "--json"]) == 0


def test_info_names_what_is_missing_and_the_command(monkeypatch, capsys):
    for package in ("matplotlib", "tqdm", "numba"):
        monkeypatch.setitem(sys.modules, package, None)
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    for package in ("matplotlib", "tqdm", "numba"):
        assert re.search(rf"-m pip install {package}$", printed, re.MULTILINE)


class FakeLibrary:
    """libcuda and libnvidia-ml of a machine with two GPUs, as ctypes sees them."""

    def __init__(self, status: int = 0, cuda: int = 13000) -> None:
        self.status, self.cuda = status, cuda

    def cuInit(self, flags):
        return self.status

    def cuDriverGetVersion(self, number):
        number._obj.value = self.cuda
        return 0

    def cuDeviceGetCount(self, count):
        count._obj.value = 2
        return 0

    def cuDeviceGet(self, device, index):
        device._obj.value = index
        return 0

    def cuDeviceGetName(self, name, size, device):
        name.value = b"NVIDIA H200"
        return 0

    def cuDeviceTotalMem_v2(self, memory, device):
        memory._obj.value = 141 << 30
        return 0

    def cuDeviceGetAttribute(self, value, attribute, device):
        value._obj.value = {75: 9, 76: 0}[attribute]
        return 0

    def nvmlInit_v2(self):
        return 0

    def nvmlShutdown(self):
        return 0

    def nvmlSystemGetDriverVersion(self, text, size):
        text.value = b"580.65.06"
        return 0


def ask(monkeypatch, library: FakeLibrary | None) -> Driver:
    from tensorgrad.cli import driver

    monkeypatch.setattr(driver, "_load", lambda name: library)
    return query_driver.__wrapped__()


def test_the_driver_is_asked_without_cupy(monkeypatch):
    found = ask(monkeypatch, FakeLibrary())
    assert found == Driver("580.65.06", "13.0", [Gpu("NVIDIA H200", 141 << 30, "9.0")] * 2, None)
    assert found.cupy_package == "cupy-cuda13x"
    assert ask(monkeypatch, FakeLibrary(cuda=12080)).cupy_package == "cupy-cuda12x"
    assert ask(monkeypatch, FakeLibrary(cuda=11080)).cupy_package is None
    assert ask(monkeypatch, None).note == "no NVIDIA driver on this machine"
    assert ask(monkeypatch, FakeLibrary(status=999)).note == "the driver fails with CUDA error 999"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert ask(monkeypatch, FakeLibrary(status=100)).note == "a driver, but no device"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert ask(monkeypatch, FakeLibrary(status=100)).note == "no device visible: CUDA_VISIBLE_DEVICES is ''"


def test_info_on_a_machine_with_gpus_but_no_cupy(monkeypatch, capsys):
    gpu = Gpu("NVIDIA H200", 141 << 30, "9.0")
    monkeypatch.setattr(machine, "query_driver", lambda: Driver("580.65.06", "13.0", [gpu, gpu], None))
    monkeypatch.setattr(machine, "_cupy", lambda: None)
    assert main(["info"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "2 x NVIDIA H200, 141.0 GiB, compute capability 9.0; driver 580.65.06, CUDA up to 13.0" in printed
    assert "-m pip install 'cupy-cuda13x[ctk]'" in printed


def test_info_lines_for_every_state_of_cupy():
    for cupy, devices, expected in (
        (None, [], "not installed, and of no use without a GPU"),
        (None, [1], "not installed"),
        ({"version": "14.2.0", "cuda": "13.0", "usable": True}, [1], "14.2.0, CUDA 13.0, usable"),
        ({"version": "14.2.0", "cuda": None, "usable": False}, [1], "14.2.0, not usable"),
        ({"version": "14.2.0", "cuda": None, "usable": False}, [], "14.2.0, of no use without a GPU"),
    ):
        assert info._cupy(cupy, {"devices": devices}) == expected
