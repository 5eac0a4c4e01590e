"""Tables of numbers with a label per row: comma, semicolon, tab or space separated text.

NumPy's C reader does the reading. Only when it fails is the file gone through line by line, to say where and why.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from .files import existing, is_gzip, opened
from .labelled import Array, DataError, Labelled, encode_labels, quoted

__all__ = ["read_csv"]

ENCODING = "utf-8-sig"
USUAL_NAMES = ("label", "labels", "class", "target", "y", "species", "digit", "category")
NUMBER = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf|infinity)\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How the text is arranged. ``skip`` counts the lines before the data, ``delimiter`` None means white space."""

    delimiter: str | None
    names: tuple[str, ...] | None
    columns: int
    label: int
    skip: int

    def column(self, index: int) -> str:
        """A column as a message calls it, counting from 1."""
        return f"column {index + 1}" + (f" ({self.names[index]!r})" if self.names else "")


def read_csv(
    path: str | os.PathLike[str],
    label: str | int | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
) -> Labelled:
    """Inputs (float32, shape ``(rows, columns - 1)``) and labels from a text table, plain or gzip-compressed.

    Parameters:
        path: the file, in UTF-8.
        label: the column of the labels: its name, or its index (from 0; negative from the end). By default a column
            named "label", "class", "target", "y" or the like, else the last one. Labels are whole numbers or names.
        header: whether the first line names the columns. By default it does if it holds no number where data would.
        delimiter: what separates columns. By default whichever of comma, tab and semicolon is there, else white space.

    Raises DataError, with line and column, for a field that is no number or not finite in float32, a row of another
    length, a missing label, a column that does not exist, text that is not UTF-8, an empty file.
    """
    file = existing(path)
    try:
        layout = _layout(file, label, header, delimiter)
        codes: dict[str, int] = {}
        table = _read(file, layout, codes)
        inputs = np.delete(table, layout.label, axis=1)
        if not inputs.shape[1]:
            raise DataError(f"{file}: expected a column of labels and one or more of numbers, got the labels only")
        if not np.isfinite(inputs).all():
            raise _located(file, layout) or DataError(f"{file}: expected finite numbers, got NaN or infinity")
    except UnicodeDecodeError:
        raise _not_text(file) from None
    names = np.array(list(codes))
    indices = table[:, layout.label].astype(np.int64)
    labels, classes = encode_labels(_interpreted(file, layout, names)[indices], str(file))
    return Labelled(inputs, labels, classes, str(file))


def _read(file: Path, layout: Layout, codes: dict[str, int]) -> Array:
    """The table as float32, with ``codes`` of the labels' texts, which it fills, in the labels' column."""

    def encode(text: str) -> float:
        return codes.setdefault(text.strip(), len(codes))

    settings: dict[str, Any] = {
        "dtype": np.float32,
        "comments": None,
        "delimiter": layout.delimiter,
        "converters": {layout.label: encode},
        "skiprows": layout.skip,
        "ndmin": 2,
        "encoding": ENCODING,
        "quotechar": '"',
    }
    try:
        # Given a name, NumPy reads in large pieces; but it tells compression by the name's ending.
        if not is_gzip(file) and file.suffix not in (".gz", ".bz2", ".xz"):
            return np.loadtxt(os.fspath(file.absolute()), **settings)
        with _text(file) as lines:
            return np.loadtxt(lines, **settings)
    except (UnicodeDecodeError, DataError):
        raise
    except ValueError as error:
        raise _located(file, layout) or DataError(f"{file}: {error}") from None


@contextmanager
def _text(file: Path) -> Iterator[IO[str]]:
    with opened(file) as stream, io.TextIOWrapper(stream, encoding=ENCODING, newline="") as lines:
        yield lines


def _rows(file: Path, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Each line that is not blank, with its number from 1, in fields."""
    with _text(file) as lines:
        if delimiter is None:
            for number, line in enumerate(lines, 1):
                if fields := line.split():
                    yield number, fields
            return
        reader = csv.reader(lines, delimiter=delimiter)
        try:
            for fields in reader:
                if fields and (len(fields) > 1 or fields[0].strip()):
                    yield reader.line_num, fields
        except csv.Error as error:
            raise DataError(f"{file}: line {reader.line_num}: {error}") from None


def _layout(file: Path, label: str | int | None, header: bool | None, delimiter: str | None) -> Layout:
    if delimiter is None:
        delimiter = _delimiter(file)
    rows = _rows(file, delimiter)
    first = next(rows, None)
    second = next(rows, None)
    if first is None:
        raise DataError(f"{file}: expected a table, got an empty file")
    number, fields = first
    named = _is_header(fields, second[1] if second else None) if header is None else header
    if named and second is None:
        raise DataError(f"{file}: line {number}: expected rows of data after the column names, got the end of the file")
    names = tuple(field.strip() for field in fields) if named else None
    index = _label_column(file, label, names, len(fields))
    return Layout(delimiter, names, len(fields), index, number if named else number - 1)


def _delimiter(file: Path) -> str | None:
    with _text(file) as lines:
        line = next((line for line in lines if line.strip()), "")
    counts = {mark: line.count(mark) for mark in ",\t;"}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else None


def _is_header(first: list[str], second: list[str] | None) -> bool:
    """No field is a number; or one is a name where the next line has a number, and no field is empty."""
    numbers = [bool(NUMBER.fullmatch(field)) for field in first]
    if not any(numbers):
        return len(first) > 1 or (second is not None and bool(NUMBER.fullmatch(second[0])))
    if second is None or len(second) != len(first) or not all(field.strip() for field in first):
        return False
    # A table may name its columns 0, 1, 2, ..., "label"; a row of data has a word in the labels' column only.
    words = [i for i, is_number in enumerate(numbers) if not is_number]
    if len(words) != 1 or first[words[0]].strip().lower() not in USUAL_NAMES:
        return False
    return bool(NUMBER.fullmatch(second[words[0]]))


def _label_column(file: Path, label: str | int | None, names: tuple[str, ...] | None, columns: int) -> int:
    if isinstance(label, str):
        if names and label in names:
            return names.index(label)
        if names:
            raise DataError(f"{file}: line 1: no column named {label!r}; there are {quoted(names)}")
        raise DataError(f"{file}: no column named {label!r}: the file has no line of column names")
    if label is not None:
        if not -columns <= label < columns:
            raise DataError(f"{file}: expected a label column from {-columns} to {columns - 1}, got {label}")
        return label % columns
    lowered = [name.lower() for name in names or ()]
    return next((lowered.index(name) for name in USUAL_NAMES if name in lowered), columns - 1)


def _interpreted(file: Path, layout: Layout, texts: Array) -> Array:
    """The distinct labels: as integers where all are whole numbers, else as the names they are."""
    missing = [text for text in texts.tolist() if not text]
    if missing:
        raise _at_label(file, layout, "", "expected a label, got nothing")
    numeric = [bool(NUMBER.fullmatch(text)) for text in texts.tolist()]
    if not all(numeric):
        return texts
    try:
        return np.array([int(text) for text in texts.tolist()], dtype=np.int64)
    except (ValueError, OverflowError):
        pass
    for text in texts.tolist():
        if not (math.isfinite(float(text)) and float(text).is_integer() and abs(float(text)) < 2.0**63):
            what = f"expected whole numbers or names as class labels, got {text!r}; is this the labels' column?"
            raise _at_label(file, layout, text, what)
    return np.array([int(float(text)) for text in texts.tolist()], dtype=np.int64)


def _at_label(file: Path, layout: Layout, text: str, what: str) -> DataError:
    for number, fields in _rows(file, layout.delimiter):
        if number > layout.skip and fields[layout.label].strip() == text:
            return DataError(f"{file}: line {number}, {layout.column(layout.label)}: {what}")
    return DataError(f"{file}: {layout.column(layout.label)}: {what}")


def _located(file: Path, layout: Layout) -> DataError | None:
    """The first thing wrong with the table, or None where nothing can be found."""
    for number, fields in _rows(file, layout.delimiter):
        if number <= layout.skip:
            continue
        if len(fields) != layout.columns:
            return DataError(f"{file}: line {number}: expected {layout.columns} columns, got {len(fields)}")
        for index, field in enumerate(fields):
            problem = None if index == layout.label else _problem(field)
            if problem:
                return DataError(f"{file}: line {number}, {layout.column(index)}: {problem}")
    return None


def _problem(field: str) -> str | None:
    if not NUMBER.fullmatch(field):
        return f"expected a number, got {field.strip()[:40]!r}" if field.strip() else "expected a number, got nothing"
    if not abs(float(field)) <= float(np.finfo(np.float32).max):
        return f"expected a finite number that fits float32, got {field.strip()[:40]}"
    return None


def _not_text(file: Path) -> DataError:
    with opened(file) as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                what = line[error.start : error.start + 1].hex()
                return DataError(f"{file}: line {number}, byte {error.start + 1}: expected UTF-8 text, got byte {what}")
    return DataError(f"{file}: expected UTF-8 text")
