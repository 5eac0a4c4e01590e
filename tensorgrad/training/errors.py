"""What can go wrong around training, as one clear line each."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys

from ..errors import TensorgradError

__all__ = ["CheckpointError", "Diverged", "MissingPackage", "SettingsError", "install_command", "require"]

PURPOSE = {
    "safetensors": "to save models and checkpoints",
    "matplotlib": "to draw pictures",
    "tqdm": "to show a progress bar",
}


class SettingsError(TensorgradError, ValueError):
    """A setting has a value that makes no sense. ``setting`` is its name."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


class CheckpointError(TensorgradError, ValueError):
    """A checkpoint is missing, damaged, or does not fit what it is loaded into."""


class Diverged(TensorgradError, FloatingPointError):
    """The loss is no longer finite."""


class MissingPackage(TensorgradError, ImportError):
    """An optional package is needed and not installed; the message has the command that installs it."""


def install_command(package: str) -> str:
    """The command that installs a package for this very interpreter."""
    found = shutil.which("python")
    ours = found is not None and os.path.samefile(os.path.dirname(found), os.path.dirname(sys.executable))
    return f"{'python' if ours else shlex.quote(sys.executable)} -m pip install {shlex.quote(package)}"


def require(package: str) -> None:
    """Raises MissingPackage where an optional package is not installed.

    >>> from tensorgrad.training.errors import require
    >>> require("nosuchpackage")
    Traceback (most recent call last):
    ...
    tensorgrad.training.errors.MissingPackage: nosuchpackage is needed: ...python... -m pip install nosuchpackage
    """
    try:
        present = importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        present = False
    if not present:
        what = f" {PURPOSE[package]}" if package in PURPOSE else ""
        raise MissingPackage(f"{package} is needed{what}: {install_command(package)}")
