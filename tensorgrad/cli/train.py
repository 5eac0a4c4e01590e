"""``tensorgrad train``: a network on real data, in one command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..training.errors import SettingsError
from ..training.settings import ACTIVATIONS, LEARNING_RATES, NORMALIZATIONS, SCHEDULES, Settings
from .parser import Parser, UsageError

__all__ = ["add", "run"]

EPILOG = """\
examples:
  tensorgrad train
  tensorgrad train --hidden 128 64 --activation relu --optimizer adamw
  tensorgrad train --data iris.csv --label species
  tensorgrad train --data train.npz --test test.npz
  tensorgrad train --data mnist/             a folder with MNIST's four files
  tensorgrad train --resume runs/20260131-120000

Files are .npz archives, CSV tables or MNIST's IDX files, plain or compressed by
gzip; their content tells which. Ctrl-C saves a checkpoint first; a resumed run
ends as it would have without. The same settings and seed give the same result
on the same machine, bit for bit.
"""
WITH_RESUME = {"resume", "epochs", "device", "quiet", "no_pictures"}


def add(commands: Any) -> None:
    """Describe the options."""
    parser: Parser = commands.add_parser(
        "train",
        help="train a network on data of your own, or on the digits that ship in the package",
        description="Train a classifier: a multi-layer perceptron with softmax cross-entropy.\n"
        "With no options: a sigmoid network on 1,797 handwritten digits, 20 % held out.",
        epilog=EPILOG,
    )
    option = _option(parser, "data")
    option("--data", nargs="+", metavar="FILE", help="training data; for IDX the images and the labels, or a folder")
    option("--test", nargs="+", metavar="FILE", help="data to test on, of the same kind (default: hold out a share)")
    option("--held-out", type=_number, metavar="SHARE", help="share to hold out where there is no test data (0.2)")
    option("--label", metavar="COLUMN", help="the labels' column in a CSV table: its name, or its number from 0")
    option("--keys", nargs=2, metavar=("INPUTS", "LABELS"), help="the arrays' names in a .npz archive")
    option("--normalize", choices=NORMALIZATIONS, help="scale by range, or to mean 0, deviation 1 (auto)")
    option = _option(parser, "network")
    option(
        "--hidden", nargs="*", type=_whole, metavar="SIZE", help="sizes of hidden layers (128); none: a linear model"
    )
    option("--activation", choices=ACTIVATIONS, help="after each hidden layer (sigmoid)")
    option("--dropout", type=_number, metavar="P", help="share of hidden units dropped in training (0)")
    option = _option(parser, "training")
    option("--optimizer", choices=tuple(LEARNING_RATES), help="(adam)")
    rates = ", ".join(f"{name} {rate:g}" for name, rate in LEARNING_RATES.items())
    option("--lr", type=_number, metavar="RATE", help=f"learning rate ({rates})")
    option("--momentum", type=_number, metavar="M", help="for --optimizer momentum (0.9)")
    option("--weight-decay", type=_number, metavar="D", help="(0)")
    option("--label-smoothing", type=_number, metavar="S", help="of the loss minimised; reports are without (0.1)")
    option("--schedule", choices=SCHEDULES, help="how the learning rate falls (cosine)")
    option("--epochs", type=_whole, metavar="N", help="times through the data (30)")
    option("--batch", type=_whole, metavar="N", help="observations per step (32)")
    option("--seed", type=_whole, metavar="N", help="for initial weights, order and dropout (0)")
    option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1, ... (auto: the best there is)")
    option = _option(parser, "output")
    option("--out", metavar="DIR", help="where runs go (runs)")
    option("--resume", metavar="RUN", help="continue the run in this folder; with --epochs N to train longer")
    option("--quiet", action="store_true", help="print nothing but the run's folder")
    option("--no-pictures", action="store_true", help="draw nothing")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train; returns the exit code."""
    from .job import resume_job, start_job  # brings the engine, which --help and info can do without

    given = {name: value for name, value in vars(arguments).items() if name != "run"}

    quiet = bool(given.pop("quiet", False))
    pictures = not given.pop("no_pictures", False)
    if "resume" in given:
        extra = sorted(set(given) - WITH_RESUME)
        if extra:
            option = f"--{extra[0].replace('_', '-')}"
            raise UsageError(f"{option}: a run goes on with the settings it has; only --epochs and --device can change")
        job = resume_job(Path(given.pop("resume")), given, quiet)
    else:
        out = Path(given.pop("out", "runs"))
        job = start_job(_settings(given), out, quiet)
    return job.run(pictures)


def _settings(given: dict[str, Any]) -> Settings:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    label = values.get("label")
    if label is not None and label.lstrip("-").isdecimal():
        values["label"] = int(label)
    try:
        return Settings(**values)
    except SettingsError as error:
        raise UsageError(f"--{error.setting.replace('_', '-')}: {error}") from None


def _option(parser: Parser, title: str) -> Any:
    group = parser.add_argument_group(title)

    def option(*names: str, **settings: Any) -> None:
        # What is not given is absent, so that defaults have one home, Settings.
        group.add_argument(*names, default=argparse.SUPPRESS, **settings)

    return option


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}") from None
