"""Reading labelled data of whichever kind, told by its content."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .csv_file import read_csv
from .files import existing, peek
from .idx_file import read_idx_pair
from .labelled import DataError, Labelled
from .npz_file import read_npz_parts

__all__ = ["read"]

PathLike = str | os.PathLike[str]


def read(
    paths: PathLike | Sequence[PathLike],
    label: str | int | None = None,
    keys: tuple[str, str] | None = None,
) -> tuple[Labelled, Labelled | None]:
    """Labelled data from a ``.npz`` archive, a CSV table, IDX files or a directory of MNIST's files.

    The kind of file is told by its first bytes, not its name.

    Parameters:
        paths: one file; or two IDX files, images and labels; or a directory with MNIST's four files.
        label: the label column of a CSV table, as for ``read_csv``.
        keys: the arrays' names in a ``.npz`` archive, as for ``read_npz``.

    Returns the data, and the test data that came with it (in the same archive or directory) or None.
    Raises DataError as the readers do.
    """
    files = [Path(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    if len(files) == 1 and files[0].is_dir():
        return _directory(files[0])
    if not 1 <= len(files) <= 2:
        raise DataError(f"expected one data file, or the images and the labels of IDX files, got {len(files)} paths")
    kind = _kind(existing(files[0]))
    if kind != "IDX" and len(files) == 2:
        raise DataError(f"{files[1]}: a second file goes with IDX images only, and {files[0]} is {kind}")
    if label is not None and kind != "CSV":
        raise DataError(f"{files[0]}: a label column can be chosen in a CSV table only, and this is {kind}")
    if keys is not None and kind != ".npz":
        raise DataError(f"{files[0]}: array names can be chosen in a .npz archive only, and this is {kind}")
    if kind == "IDX":
        return read_idx_pair(files[0], files[1] if len(files) == 2 else None), None
    return read_npz_parts(files[0], keys) if kind == ".npz" else (read_csv(files[0], label), None)


def _kind(file: Path) -> str:
    start = peek(file, 4)
    if start[:2] == b"PK":
        return ".npz"
    if start[:2] == b"\0\0":
        return "IDX"
    if b"\0" in start or start.startswith(b"\x93NUM") or file.suffix == ".npz":
        raise DataError(
            f"{file}: expected a .npz archive, a CSV table or an IDX file, got something else "
            f"(its first bytes are {start.hex(' ') or 'none'})"
        )
    return "CSV"


def _directory(directory: Path) -> tuple[Labelled, Labelled | None]:
    def find(part: str) -> Path | None:
        for name in (f"{part}-images-idx3-ubyte", f"{part}-images.idx3-ubyte"):
            for ending in ("", ".gz"):
                if (file := directory / (name + ending)).is_file():
                    return file
        return None

    training, test = find("train"), find("t10k")
    if training is None:
        raise DataError(f"{directory}: expected a file, or a directory with MNIST's train-images-idx3-ubyte[.gz]")
    return read_idx_pair(training), read_idx_pair(test) if test else None
