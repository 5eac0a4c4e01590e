"""Inputs and labels from NumPy's ``.npz`` archives."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .files import existing
from .labelled import Array, DataError, Labelled, encode_labels, quoted

__all__ = ["read_npz", "read_npz_parts"]

PAIRS = (
    ("inputs", "labels"),
    ("images", "labels"),
    ("data", "labels"),
    ("data", "target"),
    ("features", "labels"),
    ("X", "y"),
    ("x", "y"),
    ("train_images", "train_labels"),
    ("X_train", "y_train"),
    ("x_train", "y_train"),
    ("arr_0", "arr_1"),
)
TEST_PAIRS = (("test_images", "test_labels"), ("X_test", "y_test"), ("x_test", "y_test"))


def read_npz(path: str | os.PathLike[str], keys: tuple[str, str] | None = None) -> Labelled:
    """Inputs and labels from an archive that ``np.savez`` wrote. Pickled objects are refused, never loaded.

    Parameters:
        path: the file.
        keys: the arrays' names in the archive. By default the first pair of usual names that is there, such as
            ``inputs, labels``, ``X, y``, ``x_train, y_train`` or ``arr_0, arr_1``.

    Raises DataError where the archive is damaged, the arrays are missing, or they are not inputs of shape
    ``(n, ...)``, real and finite, with n labels that are integers, booleans or strings.
    """
    file = existing(path)
    arrays = _load(file, lambda names: _find_pair(file, names, keys))
    return _labelled(file, arrays)


def read_npz_parts(
    path: str | os.PathLike[str], keys: tuple[str, str] | None = None
) -> tuple[Labelled, Labelled | None]:
    """What ``read_npz`` reads, and the test data that the same archive holds under its usual names, if it does."""
    training = read_npz(path, keys)
    if keys is not None:
        return training, None
    file = existing(path)
    test = _load(file, lambda names: next((pair for pair in TEST_PAIRS if {*pair} <= {*names}), ()))
    return training, _labelled(file, test) if test else None


def _load(file: Path, choose: Callable[[list[str]], tuple[str, ...]]) -> dict[str, Array]:
    try:
        with open(file, "rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"{file}: expected a .npz archive of two arrays, got a single .npy array")
            return {name: _member(file, archive, name) for name in choose(archive.files)}
    except DataError:
        raise
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise DataError(f"{file}: expected a .npz archive, got something else or a damaged one ({error})") from None
    except OSError as error:
        raise DataError(f"{file}: {error.strerror or error}") from None


def _member(file: Path, archive: np.lib.npyio.NpzFile, name: str) -> Array:
    try:
        array = archive[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            what = f"array {name!r}: expected numbers, got pickled objects, which are not loaded"
            raise DataError(f"{file}: {what}") from None
        raise DataError(f"{file}: array {name!r}: {error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise DataError(f"{file}: array {name!r}: damaged ({error})") from None
    if not isinstance(array, np.ndarray):
        raise DataError(f"{file}: {name!r}: expected an array in NumPy's format, got something else")
    return array


def _find_pair(file: Path, there: Sequence[str], keys: tuple[str, str] | None) -> tuple[str, str]:
    if keys is not None:
        missing = [key for key in keys if key not in there]
        if missing:
            raise DataError(f"{file}: no array named {missing[0]!r}; the archive has {quoted(there) or 'none'}")
        return keys
    for pair in PAIRS:
        if {*pair} <= {*there}:
            return pair
    raise DataError(
        f"{file}: expected arrays under usual names such as 'inputs' and 'labels' or 'X' and 'y', "
        f"got {quoted(there) or 'an empty archive'}; say which are the inputs and the labels"
    )


def _labelled(file: Path, arrays: dict[str, Array]) -> Labelled:
    (key, inputs), (label_key, values) = arrays.items()
    where = f"{file}: array {key!r}"
    if inputs.dtype.kind not in "biuf":
        raise DataError(f"{where}: expected real numbers, got dtype {inputs.dtype}")
    if inputs.ndim < 2 or not inputs.size:
        raise DataError(f"{where}: expected inputs of shape (observations, features, ...), got shape {inputs.shape}")
    if inputs.dtype.kind == "f":
        finite = np.isfinite(inputs)
        if not finite.all():
            place = tuple(int(i) for i in np.unravel_index(int(np.argmin(finite)), inputs.shape))
            raise DataError(f"{where}: expected finite numbers, got {inputs[place]!s} at index {place}")
    labels, classes = encode_labels(values, f"{file}: array {label_key!r}")
    if len(labels) != len(inputs):
        raise DataError(
            f"{file}: expected one label per input, got {len(inputs)} inputs in {key!r} and {len(labels)} labels in "
            f"{label_key!r}"
        )
    return Labelled(inputs, labels, classes, str(file))
