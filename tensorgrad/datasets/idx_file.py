"""The IDX format of the MNIST files.

A header of two zero bytes, a type code and the number of dimensions, then each dimension as a big-endian 32-bit
integer, then the values, big-endian, in C order. Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of
handwritten digits", section "File formats for the MNIST database".
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .files import existing, is_gzip, opened
from .labelled import Array, DataError, Labelled, encode_labels

__all__ = ["labels_beside", "read_idx", "read_idx_pair"]

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> Array:
    """The array in an IDX file, plain or gzip-compressed, in the machine's byte order.

    Raises DataError, with the byte where it went wrong, for a bad magic number, an unknown type, a header or values
    cut short, and bytes left over.
    """
    file = existing(path)
    with opened(file) as stream:
        dtype, shape, start = _header(file, stream)
        expected = dtype.itemsize * math.prod(shape)
        if not is_gzip(file):
            _check_length(file, os.path.getsize(file) - start, expected, start, dtype, shape)
        # Where the length is not known beforehand, a lying header must not decide how much memory is taken.
        content = _read_at_most(stream, expected + 1)
    _check_length(file, len(content), expected, start, dtype, shape)
    values = np.frombuffer(content, dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def read_idx_pair(images: str | os.PathLike[str], labels: str | os.PathLike[str] | None = None) -> Labelled:
    """Images and their labels from a pair of IDX files.

    Parameters:
        images: a file of at least two dimensions, such as ``train-images-idx3-ubyte.gz``.
        labels: a file of one dimension of integers. By default the file beside ``images`` whose name has "labels" and
            "idx1" where that one has "images" and "idx3".

    Raises DataError as ``read_idx`` does, and where the two do not belong together.
    """
    file = Path(images)
    names = labels_beside(file) if labels is None else Path(labels)
    inputs = read_idx(file)
    if inputs.ndim < 2 or not inputs.size:
        raise DataError(f"{file}: expected images, so two or more dimensions with values, got shape {inputs.shape}")
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        row = int(np.flatnonzero(~np.isfinite(inputs.reshape(len(inputs), -1)).all(axis=1))[0])
        raise DataError(f"{file}: expected finite values, got NaN or infinity in image {row}")
    values = read_idx(names)
    if values.ndim != 1:
        raise DataError(f"{names}: expected labels, so one dimension, got shape {values.shape}")
    if len(values) != len(inputs):
        raise DataError(f"{names}: expected a label for each of the {len(inputs)} images in {file}, got {len(values)}")
    codes, classes = encode_labels(values, str(names))
    return Labelled(inputs, codes, classes, str(file))


def labels_beside(images: Path) -> Path:
    """The label file that belongs to an image file by MNIST's naming. Raises DataError where there is none."""
    name = images.name
    for ending in (name, name.removesuffix(".gz"), name + ".gz"):
        candidate = images.with_name(ending.replace("images", "labels").replace("idx3", "idx1"))
        if candidate.name != images.name and candidate.exists() and "images" in ending:
            return candidate
    raise DataError(f"{images}: holds images only; name the file of their labels too")


def _header(file: Path, stream: BinaryIO) -> tuple[np.dtype[np.generic], tuple[int, ...], int]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        got = magic.hex(" ") or "nothing"
        raise DataError(f"{file}: byte 0: expected an IDX file, which starts with 00 00, got {got}")
    if magic[2] not in TYPES:
        known = ", ".join(f"{code:02x}" for code in TYPES)
        raise DataError(f"{file}: byte 2: expected a type code among {known}, got {magic[2]:02x}")
    dimensions = magic[3]
    if not dimensions:
        raise DataError(f"{file}: byte 3: expected one or more dimensions, got 0")
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(
            f"{file}: byte {4 + len(sizes)}: the header is cut short: expected {dimensions} sizes of 4 bytes, "
            f"got {len(sizes)} bytes"
        )
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    return np.dtype(TYPES[magic[2]]), shape, 4 + 4 * dimensions


def _read_at_most(stream: BinaryIO, count: int) -> bytes:
    pieces = []
    while count > 0 and (piece := stream.read(min(count, 1 << 24))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _check_length(
    file: Path, got: int, expected: int, start: int, dtype: np.dtype[np.generic], shape: tuple[int, ...]
) -> None:
    if got == expected:
        return
    size = "1 byte" if dtype.itemsize == 1 else f"{dtype.itemsize} bytes"
    what = f"{' x '.join(map(str, shape))} values of {size} ({expected} in all)"
    if got < expected:
        raise DataError(f"{file}: byte {start + got}: the values are cut short: expected {what}, got {got} bytes")
    raise DataError(f"{file}: byte {start + expected}: expected the end of the file after {what}, got more")
