"""Opening data files: plain or gzip, told apart by their first bytes, with errors that name the file."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .labelled import DataError

__all__ = ["existing", "is_gzip", "opened", "peek"]

GZIP_MAGIC = b"\x1f\x8b"


def existing(path: str | os.PathLike[str]) -> Path:
    """``path`` if it is a readable file. Raises DataError that says what is there instead."""
    file = Path(path)
    try:
        if file.is_dir():
            raise DataError(f"{file}: expected a file, got a directory")
        with open(file, "rb"):
            return file
    except OSError as error:
        hint = "" if file.parent.exists() else f" (and there is no directory {file.parent})"
        reason = "no such file" + hint if isinstance(error, FileNotFoundError) else (error.strerror or str(error))
        raise DataError(f"{file}: {reason}") from None


def is_gzip(file: Path) -> bool:
    """Whether the content is gzip-compressed, whatever the name says."""
    with open(file, "rb") as stream:
        return stream.read(2) == GZIP_MAGIC


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """The content as bytes, decompressed. Damage to the compression, met on reading, is a DataError."""
    try:
        if is_gzip(file):
            with gzip.open(file, "rb") as stream:
                yield stream  # type: ignore[misc]
        else:
            with open(file, "rb") as plain:
                yield plain
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file}: the gzip compression is damaged or cut short ({error})") from None
    except OSError as error:
        raise DataError(f"{file}: {error.strerror or error}") from None


def peek(file: Path, count: int) -> bytes:
    """The first bytes, decompressed."""
    with opened(file) as stream:
        return stream.read(count)
