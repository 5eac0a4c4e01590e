"""Settings, scaling, metrics, checkpoints, pictures, and runs that continue bit for bit."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import io
import json
import math
import os
import re
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import tensorgrad as tg
from tensorgrad.backends import parse_device
from tensorgrad.datasets import DataError, load_digits
from tensorgrad.training import (
    CheckpointError,
    Diverged,
    MissingPackage,
    RunFolder,
    Scaling,
    Session,
    Settings,
    SettingsError,
    confusion_matrix,
    draw_confusion_matrix,
    draw_learning_curve,
    load_checkpoint,
    load_model,
    prepare,
    save_checkpoint,
    save_model,
)
from tensorgrad.training.files import write_atomically
from tensorgrad.training.metrics import Running, cross_entropy, most_confused
from tensorgrad.training.model import build_model, schedule

pytest.importorskip("safetensors", reason="checkpoints need safetensors (the extra 'train')")
CPU = parse_device("cpu")
ROOT = Path(__file__).parents[1]


# Settings.


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("epochs", 0, "at least 1, got 0"),
        ("batch", -3, "at least 1, got -3"),
        ("seed", -1, "at least 0"),
        ("seed", 1 << 63, "at most"),
        ("lr", 0.0, "above 0"),
        ("lr", math.inf, "finite"),
        ("lr", math.nan, "finite number above 0, got nan"),
        ("weight_decay", -1e-9, "at least 0"),
        ("dropout", 1.0, "below 1"),
        ("momentum", 1.5, "below 1"),
        ("held_out", 0.0, "above 0 and below 1"),
        ("label_smoothing", 1.0, "below 1"),
        ("hidden", (64, 0), "at least 1, got 0"),
        ("activation", "sine", "sigmoid, tanh, relu, gelu"),
        ("optimizer", "lion", "one of adam"),
        ("schedule", "wave", "one of cosine"),
        ("normalize", "maybe", "one of auto"),
    ],
)
def test_settings_refuse(name, value, message):
    with pytest.raises(SettingsError, match=message) as caught:
        Settings(**{name: value})
    assert caught.value.setting == name


def test_settings_survive_json():
    chosen = Settings(data=("a.csv",), label="x", keys=("a", "b"), hidden=(), lr=0.1 + 0.2, epochs=7)
    assert Settings.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen
    with pytest.raises(SettingsError, match="unknown setting 'speed'"):
        Settings.from_json({"speed": 1})


@pytest.mark.parametrize("name", ["cosine", "linear", "step", "constant"])
def test_schedules_start_at_one_and_never_rise(name):
    factors = [schedule(name, 50)(step) for step in range(60)]
    assert factors[0] == 1.0
    assert all(later <= earlier for earlier, later in pairwise(factors))
    assert factors[-1] == pytest.approx({"cosine": 0, "linear": 0, "step": 0.01, "constant": 1}[name])


# Scaling.


def test_scaling_by_range(rng):
    inputs = rng.integers(3, 200, size=(50, 4, 4)).astype(np.uint8)
    scaled = Scaling.fit(inputs)(inputs)
    assert (scaled.dtype, scaled.shape) == (np.float32, (50, 16))
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)


def test_scaling_to_standard(rng):
    inputs = rng.normal(size=(500, 3)).astype(np.float32) * [1, 1000, 0] + [0, 5e4, 0.1]
    scaling = Scaling.fit(inputs)
    scaled = scaling(inputs)
    assert scaling.kind == "standard"
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 1, 0], atol=1e-4)
    assert Scaling.from_json(json.loads(json.dumps(scaling.to_json()))) == scaling


def test_scaling_leaves_alone_and_takes_constants():
    inputs = np.full((3, 2), 7.0)
    assert Scaling.fit(inputs, "none")(inputs).tolist() == inputs.tolist()
    for kind in ("range", "standard"):
        assert Scaling.fit(inputs, kind)(inputs).tolist() == [[0, 0]] * 3


# Preparing data.


def test_held_out_data_does_not_depend_on_the_seed():
    assert prepare(Settings(seed=0)).fingerprint() == prepare(Settings(seed=1)).fingerprint()


@pytest.mark.parametrize(
    "training, test, message",
    [
        ("1,2,0\n3,4,0\n", None, "expected two or more classes, got only '0'"),
        ("\n".join(f"1,{i}" for i in range(20)), None, "20 rows of 20 classes"),
        ("1,2,0\n3,4,1\n", "1,0\n2,1\n", "expected inputs of 2 numbers as in .*train.csv, got 1"),
        ("1,2,0\n3,4,1\n", "1,2,0\n1,2,5\n", "test.csv: observation 1 has class '5'"),
    ],
)
def test_data_that_cannot_be_trained_on(tmp_path, training, test, message):
    (tmp_path / "train.csv").write_text(training)
    files = {"data": (str(tmp_path / "train.csv"),)}
    if test is not None:
        (tmp_path / "test.csv").write_text(test)
        files["test"] = (str(tmp_path / "test.csv"),)
    with pytest.raises(DataError, match=message):
        prepare(Settings(**files))


# Metrics.


@pytest.mark.peers("torch")
def test_cross_entropy_is_pytorchs(rng):
    import torch

    logits, labels = rng.normal(size=(50, 7)) * 30, rng.integers(0, 7, 50)
    theirs = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(labels), reduction="none")
    np.testing.assert_allclose(cross_entropy(logits, labels), theirs.numpy(), rtol=1e-12, atol=1e-12)


def test_cross_entropy_of_extremes():
    assert cross_entropy(np.array([[1e30, -1e30]], np.float32), np.array([0])).tolist() == [0.0]
    assert not np.isfinite(cross_entropy(np.array([[np.nan, 0.0]]), np.array([0]))).any()
    assert not np.isfinite(cross_entropy(np.array([[np.inf, 0.0]]), np.array([0]))).any()


def test_confusion_matrix_and_the_most_common_mistake():
    matrix = confusion_matrix(np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, 0, 2]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [2, 0, 1]]
    assert most_confused(matrix) == (2, 0, 2)
    assert most_confused(np.eye(3, dtype=int)) is None


def test_running_sums_do_not_depend_on_when_they_are_looked_at(rng):
    batches = [(rng.normal(size=(n, 5)).astype(np.float32), rng.integers(0, 5, n)) for n in (32, 7, 1, 32) * 30]
    patient, curious, resumed = Running(), Running(), Running()
    for i, (logits, labels) in enumerate(batches):
        for running in (patient, curious, resumed):
            running.add(tg.Tensor(logits), tg.Tensor(labels))
        assert curious.loss > 0
        if i % 11 == 0:
            state = json.loads(json.dumps(resumed.state_dict()))
            resumed = Running()
            resumed.load_state_dict(state)
    assert patient.loss == curious.loss == resumed.loss
    assert patient.accuracy == curious.accuracy == resumed.accuracy
    everything = np.concatenate([cross_entropy(*batch) for batch in batches])
    assert patient.loss == pytest.approx(everything.mean())


# Files and checkpoints.


def test_atomic_writing_leaves_the_old_or_the_new(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, "old")
    assert path.read_text() == "old"
    assert path.stat().st_mode & 0o777 == 0o666 & ~os.umask(os.umask(0o022))

    def crash(*arguments: object) -> None:
        raise OSError("power cut")

    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, crash)
            with pytest.raises(OSError, match="power cut"):
                write_atomically(path, "new")
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["file"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def same(a: object, b: object) -> bool:
    """Equal to the bit, types included."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


arrays = st.sampled_from(
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array(2.5),
        np.zeros((0, 3), np.int64),
        np.array([True, False]),
        np.array([np.nan, -0.0, np.inf], np.float16),
        np.array([2**64 - 1], np.uint64),
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["a", "b", "a.b", "$tensor", "$tuple", "", "a/b"]), inner, max_size=3)
        | st.dictionaries(st.integers() | st.tuples(st.integers()), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(state=values)
def test_checkpoints_return_what_was_stored_to_the_bit(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("checkpoint", numbered=True) / "c.safetensors"
    save_checkpoint(path, state)
    assert same(load_checkpoint(path), state)


def test_checkpoints_take_tensors_and_any_layout(tmp_path):
    matrix = np.arange(6.0).reshape(2, 3)
    save_checkpoint(tmp_path / "c", {"t": tg.Tensor(matrix), "v": matrix.T, "b": matrix.astype(">f8"), "n": np.int8(3)})
    got = load_checkpoint(tmp_path / "c")
    assert same(got, {"t": matrix, "v": np.ascontiguousarray(matrix.T), "b": matrix, "n": 3})


def test_checkpoints_hold_no_pickle(tmp_path):
    for bad in (object(), {1, 2}, b"bytes", np.array([None]), lambda: 0):
        with pytest.raises(CheckpointError, match=r"cannot store the state\.x"):
            save_checkpoint(tmp_path / "c", {"the state": {"x": bad}})
    assert not os.listdir(tmp_path)


def test_checkpoints_notice_damage(tmp_path):
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, {"weight": np.linspace(0, 1, 500), "step": 5})
    good = path.read_bytes()
    step = re.search(rb'step[\\"]*: 5', good).end() - 1
    for position in (4, 40, step, len(good) // 2, len(good) - 1):
        bad = bytearray(good)
        bad[position] ^= 0x01
        path.write_bytes(bytes(bad))
        with pytest.raises(CheckpointError, match=r"c\.safetensors: (damaged|expected format)"):
            load_checkpoint(path)
    for content in (b"", b"hello", good[:-1], good + b"\0"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="damaged"):
            load_checkpoint(path)
    with pytest.raises(CheckpointError, match="no such file"):
        load_checkpoint(tmp_path / "none")


def test_other_peoples_safetensors_are_no_checkpoints(tmp_path):
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(3)}, tmp_path / "x.safetensors")
    for load in (load_checkpoint, load_model):
        with pytest.raises(CheckpointError, match=r"expected format tensorgrad\..*, got something else"):
            load(tmp_path / "x.safetensors")


def test_without_safetensors_the_message_has_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingPackage, match=r"-m pip install safetensors$"):
        save_checkpoint(tmp_path / "c", {})
    with pytest.raises(MissingPackage, match=r"-m pip install safetensors$"):
        load_checkpoint(tmp_path / "c")


# The folder of a run.


def test_run_folders_have_names_of_their_own(tmp_path):
    now = datetime.datetime(2026, 1, 31, 12, 0, 5)
    names = [RunFolder.create(tmp_path / "runs", now).path.name for _ in range(3)]
    assert names == ["20260131-120005", "20260131-120005-2", "20260131-120005-3"]


def test_metrics_read_back_exactly(tmp_path):
    row = {
        "epoch": 1, "train_loss": 0.1 + 0.2, "train_accuracy": 1 / 3, "test_loss": 1e-300, "test_accuracy": 1.0,
        "learning_rate": 0.01, "seconds": 0.5,
    }  # fmt: skip
    RunFolder(tmp_path).write_metrics([row])
    with open(tmp_path / "metrics.csv", newline="") as file:
        (got,) = csv.DictReader(file)
    assert {name: float(value) for name, value in got.items()} == row


@pytest.mark.parametrize(
    "name, message", [("none", "no such run"), ("empty", "nothing to resume"), ("file", "got a file")]
)
def test_nothing_to_resume(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=message):
        RunFolder.existing(tmp_path / name)


# Pictures.


def curve(epochs: int) -> list[dict[str, float]]:
    return [
        {
            "epoch": e,
            "train_loss": 2 / e,
            "test_loss": 2.2 / e,
            "train_accuracy": 1 - 0.5 / e,
            "test_accuracy": 1 - 0.6 / e,
        }
        for e in range(1, epochs + 1)
    ]


def size_of_png(content: bytes) -> tuple[int, int]:
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])


@pytest.mark.parametrize("epochs", [1, 2, 300])
def test_learning_curves_of_any_length(epochs):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib (the extra 'train')")
    width, height = size_of_png(draw_learning_curve(curve(epochs), "title"))
    assert width > 1000
    assert height > 400


def test_learning_curve_of_a_loss_of_zero():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib (the extra 'train')")
    history = [{**row, "train_loss": 0.0} for row in curve(3)]
    size_of_png(draw_learning_curve(history, "title"))


@pytest.mark.parametrize("classes", [2, 10, 26, 200])
def test_confusion_matrices_of_any_size(classes, rng):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib (the extra 'train')")
    names = [f"a rather long class name {i}" if i % 2 else "猫" for i in range(classes)]
    width, height = size_of_png(draw_confusion_matrix(rng.integers(0, 9, (classes, classes)), names, "title"))
    assert 500 < height < 2000
    assert 500 < width < 2200


def test_pictures_leave_matplotlib_alone():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib (the extra 'train')")
    program = (
        "import sys, numpy as np, tensorgrad.training as t\n"
        "assert 'matplotlib' not in sys.modules\n"
        "t.draw_confusion_matrix(np.eye(2, dtype=int), ['a', 'b'], '')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=120)


def test_without_matplotlib_the_message_has_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackage, match=r"-m pip install matplotlib$"):
        draw_learning_curve(curve(2), "title")


# Runs.

SMALL = Settings(epochs=3, batch=100, hidden=(16,))
DIGITS = prepare(SMALL)


def session(chosen: Settings = SMALL) -> Session:
    return Session(chosen, DIGITS, CPU)


def outcome(run: Session) -> tuple[object, ...]:
    """Everything that must agree to the bit; times aside."""
    weights = tuple(value.numpy().tobytes() for value in run.model.state_dict().values())
    history = tuple(tuple(value for name, value in row.items() if name != "seconds") for row in run.history)
    return weights, history, run.step


def after(steps: int):
    """A ``stop`` that says yes once, after so many calls."""
    calls = iter(range(1, 1_000_000))
    return lambda: next(calls) == steps


def test_training_learns():
    run = session(dataclasses.replace(SMALL, epochs=8))
    assert run.run()
    assert run.history[-1]["test_accuracy"] > 0.9
    assert run.history[-1]["train_loss"] < run.history[0]["train_loss"]
    assert run.finished


def test_same_seed_same_bits_other_seed_other_bits():
    runs = [session(), session(), session(dataclasses.replace(SMALL, seed=1))]
    for run in runs:
        run.run()
    assert outcome(runs[0]) == outcome(runs[1])
    assert outcome(runs[0])[0] != outcome(runs[2])[0]


def test_random_numbers_drawn_elsewhere_do_not_matter_between_sessions():
    first = session()
    first.run()
    tg.manual_seed(99)
    second = session()
    second.run()
    assert outcome(first) == outcome(second)


VARIANTS = {
    "adam": SMALL,
    "sgd": dataclasses.replace(SMALL, optimizer="sgd", schedule="linear"),
    "momentum and dropout": dataclasses.replace(SMALL, optimizer="momentum", dropout=0.3, weight_decay=1e-3),
    "adamw, relu, smoothing": dataclasses.replace(SMALL, optimizer="adamw", activation="relu", label_smoothing=0.1),
    "two layers, dropout, steps": dataclasses.replace(
        SMALL, hidden=(16, 8), activation="tanh", dropout=0.5, schedule="step"
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_stopped_and_resumed_is_bit_identical(name, tmp_path):
    chosen = VARIANTS[name]
    straight = session(chosen)
    straight.run()
    per_epoch = straight.steps_per_epoch
    for steps in (1, per_epoch - 1, per_epoch, per_epoch + 1, 3 * per_epoch - 1):
        first = session(chosen)
        assert not first.run(after(steps))
        save_checkpoint(tmp_path / "c", first.state_dict())
        tg.manual_seed(12345)  # nothing that happens in between may matter
        second = session(chosen)
        second.load_state_dict(load_checkpoint(tmp_path / "c"))
        assert second.step == steps
        assert second.run()
        assert outcome(second) == outcome(straight), steps


def test_stopped_at_every_step_is_bit_identical(tmp_path):
    straight = session()
    straight.run()
    run = session()
    while not run.run(after(1)):
        save_checkpoint(tmp_path / "c", run.state_dict())
        run = session()
        run.load_state_dict(load_checkpoint(tmp_path / "c"))
    assert outcome(run) == outcome(straight)


def test_trained_longer_is_bit_identical_where_the_schedule_allows():
    chosen = dataclasses.replace(SMALL, schedule="constant")
    short, straight = session(chosen), session(dataclasses.replace(chosen, epochs=5))
    short.run()
    straight.run()
    longer = session(dataclasses.replace(chosen, epochs=5))
    longer.load_state_dict(short.state_dict())
    longer.run()
    assert outcome(longer) == outcome(straight)


def test_trained_longer_the_schedule_stretches():
    short, longer = session(), session(dataclasses.replace(SMALL, epochs=6))
    short.run()
    longer.load_state_dict(short.state_dict())
    assert short.optimizer.param_groups[0]["lr"] == 0.0
    assert longer.optimizer.param_groups[0]["lr"] == pytest.approx(SMALL.learning_rate / 2)


def test_stopped_and_continued_in_the_same_process_is_bit_identical():
    straight, run = session(), session()
    straight.run()
    assert not run.run(after(20))
    assert run.run()
    assert outcome(run) == outcome(straight)


def test_state_is_a_snapshot():
    run = session()
    run.run(after(5))
    before = run.state_dict()
    packed = {name: np.array(value.numpy()) for name, value in before["model"].items()}
    run.run()
    assert before["step"] == 5
    assert any((packed[name] != value.numpy()).any() for name, value in run.model.state_dict().items())


def test_changed_data_is_not_resumed():
    run = session()
    state = run.state_dict()
    state["data"] = "something else"
    with pytest.raises(CheckpointError, match="data is not what this run was started with"):
        run.load_state_dict(state)


def test_a_loss_that_is_no_longer_finite_stops_the_run():
    run = session(dataclasses.replace(SMALL, optimizer="sgd", lr=1e30, activation="relu", schedule="constant"))
    with pytest.raises(Diverged, match=r"epoch 1; a smaller --lr than 1e\+30"):
        run.run()


@pytest.mark.gpu
@pytest.mark.parametrize("name", VARIANTS)
def test_stopped_and_resumed_is_bit_identical_on_a_gpu(name, tmp_path):
    gpu = parse_device("cuda:0")
    straight, first = Session(VARIANTS[name], DIGITS, gpu), Session(VARIANTS[name], DIGITS, gpu)
    straight.run()
    assert not first.run(after(20))
    save_checkpoint(tmp_path / "c", first.state_dict())
    second = Session(VARIANTS[name], DIGITS, gpu)
    second.load_state_dict(load_checkpoint(tmp_path / "c"))
    assert second.run()
    assert outcome(second) == outcome(straight)
    assert {str(parameter.device) for parameter in second.model.parameters()} == {"cuda:0"}


# Models on disk.


def test_saved_models_predict_as_they_did(tmp_path):
    run = session(dataclasses.replace(SMALL, epochs=5))
    run.run()
    save_model(tmp_path / "model.safetensors", run.classifier, run.sizes, run.settings)
    loaded = load_model(tmp_path)
    images, labels = load_digits()
    np.testing.assert_array_equal(loaded.logits(images), run.classifier.logits(images))
    right = np.mean(np.array(loaded.predict(images)) == labels.astype(str))
    assert right > 0.85
    assert loaded.classes == tuple("0123456789")


def test_loading_a_model_draws_no_random_numbers(tmp_path):
    run = session()
    save_model(tmp_path / "model.safetensors", run.classifier, run.sizes, run.settings)
    tg.manual_seed(5)
    expected = build_model((3, 2), "relu").state_dict()
    tg.manual_seed(5)
    load_model(tmp_path)
    for name, value in build_model((3, 2), "relu").state_dict().items():
        np.testing.assert_array_equal(value.numpy(), expected[name].numpy())


@pytest.mark.peers("torch")
def test_pytorch_loads_saved_models(tmp_path):
    import torch
    from safetensors.torch import load_file

    run = session(dataclasses.replace(SMALL, epochs=1, hidden=(16, 12), dropout=0.1))
    run.run()
    save_model(tmp_path / "model.safetensors", run.classifier, run.sizes, run.settings)
    layers = torch.nn
    theirs = layers.Sequential(
        layers.Linear(64, 16), layers.Sigmoid(), layers.Dropout(0.1),
        layers.Linear(16, 12), layers.Sigmoid(), layers.Dropout(0.1), layers.Linear(12, 10),
    ).eval()  # fmt: skip
    theirs.load_state_dict(load_file(tmp_path / "model.safetensors"))
    inputs = DIGITS.scaling(load_digits().inputs)
    with torch.no_grad():
        np.testing.assert_allclose(
            theirs(torch.tensor(inputs)).numpy(), run.classifier.logits(load_digits().inputs), rtol=1e-4, atol=1e-5
        )


def test_missing_models(tmp_path):
    with pytest.raises(CheckpointError, match=r"model\.safetensors: no such file"):
        load_model(tmp_path)


def test_progress_lines_are_few():
    from tensorgrad.training.progress import Lines

    stream = io.StringIO()
    lines = Lines(stream)
    lines.begin(1000, 5000, 0)
    for row in curve(1000):
        lines.epoch(row)
    printed = stream.getvalue().splitlines()
    assert 25 <= len(printed) <= 35
    assert printed[0].startswith("epoch    1/1000")
    assert printed[-1].startswith("epoch 1000/1000")
    assert max(map(len, printed)) <= 80


def test_the_example_trains(tmp_path):
    example = ROOT / "examples" / "train_digits.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)], cwd=tmp_path, env=environment, check=True, timeout=120,
        capture_output=True, text=True,
    )  # fmt: skip
    accuracy = re.search(r"^([\d.]+) % of 359 held-out images right", done.stdout, re.MULTILINE)
    assert float(accuracy[1]) >= 96
