"""The digits that ship, and the readers: what they accept, and the one clear error each for what they don't."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tensorgrad.datasets import DataError, Labelled, load_digits, read, read_csv, read_idx, read_idx_pair, read_npz


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def idx(array: np.ndarray, code: int = 0x08) -> bytes:
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def fails(read_file, path: Path, *parts: str, **kwargs) -> None:
    """One DataError of one line, which names the file first and then each of ``parts``, in order."""
    with pytest.raises(DataError) as caught:
        read_file(path, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path)), message
    assert re.search(".*".join(map(re.escape, parts)), message[len(str(path)) :]), message


# The digits.


def test_digits_are_scikit_learns_copy_value_for_value():
    sklearn = pytest.importorskip("sklearn.datasets", reason="scikit-learn is the oracle")
    theirs = sklearn.load_digits()
    images, labels = load_digits()
    np.testing.assert_array_equal(images, theirs.images)
    np.testing.assert_array_equal(labels, theirs.target)


def test_digits_have_the_counts_that_uci_publishes():
    digits = load_digits()
    assert digits.inputs.shape == (1797, 8, 8)
    assert digits.inputs.dtype == np.uint8
    assert (digits.inputs.min(), digits.inputs.max()) == (0, 16)
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert digits.classes == tuple("0123456789")


def test_digits_ship_with_their_attribution():
    text = files("tensorgrad.datasets").joinpath("DIGITS_LICENSE.txt").read_text(encoding="utf-8")
    for part in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49", "UCI Machine Learning Repository", "Changes"):
        assert part in text


# Splitting and classes.


def test_split_is_stratified_disjoint_and_complete():
    digits = load_digits()
    numbered = Labelled(np.arange(len(digits)).reshape(-1, 1), digits.labels, digits.classes, "numbers")
    training, held_out = numbered.split(0.2, seed=3)
    both = np.concatenate([training.inputs, held_out.inputs]).ravel()
    assert sorted(both.tolist()) == list(range(len(digits)))
    for label, count in enumerate(np.bincount(digits.labels)):
        assert (held_out.labels == label).sum() == round(count * 0.2)


def test_split_depends_on_the_seed_and_on_nothing_else():
    digits = load_digits()
    first, again, other = (digits.split(0.2, seed=seed)[1].inputs for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_split_is_pinned():
    # Raw Philox words and a stable sort: a new NumPy must not change which images are held out.
    order = np.arange(100)
    held_out = Labelled(order.reshape(-1, 1), order % 2, ("even", "odd"), "numbers").split(0.1, seed=0)[1]
    assert held_out.inputs.ravel().tolist() == [0, 2, 21, 38, 43, 54, 66, 69, 85, 91]


def test_split_keeps_one_of_each_class_to_train_on():
    data = Labelled(np.zeros((5, 1)), np.array([0, 0, 0, 0, 1]), ("many", "one"), "few")
    training, held_out = data.split(0.9)
    assert set(training.labels.tolist()) == {0, 1}
    assert held_out.labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_split_refuses_what_is_no_share(share):
    with pytest.raises(DataError, match="between 0 and 1"):
        load_digits().split(share)


def test_split_refuses_to_hold_out_nothing():
    with pytest.raises(DataError, match="leaves none"):
        load_digits().split(1e-6)


def test_labels_are_recounted_in_other_classes():
    data = Labelled(np.zeros((3, 1)), np.array([0, 1, 0]), ("b", "d"), "test")
    assert data.with_classes(("a", "b", "c", "d")).labels.tolist() == [1, 3, 1]
    with pytest.raises(DataError, match=r"test: observation 1 has class 'd'.*'a', 'b'"):
        data.with_classes(("a", "b"))


def test_fingerprint_tells_changed_data():
    digits = load_digits()
    changed = digits.take(np.arange(len(digits)))
    assert changed.fingerprint() == digits.fingerprint()
    changed.inputs[5, 5, 5] += 1
    assert changed.fingerprint() != digits.fingerprint()


# CSV.


def digits_as_csv(path: Path) -> Path:
    digits = load_digits()
    table = np.column_stack([digits.inputs.reshape(-1, 64), digits.labels])
    text = io.StringIO()
    np.savetxt(text, table, fmt="%d", delimiter=",")
    return write(path, text.getvalue())


def test_csv_reads_the_digits(tmp_path):
    data = read_csv(digits_as_csv(tmp_path / "digits.csv"))
    digits = load_digits()
    assert data.inputs.dtype == np.float32
    np.testing.assert_array_equal(data.inputs.reshape(-1, 8, 8), digits.inputs)
    np.testing.assert_array_equal(data.labels, digits.labels)
    assert data.classes == digits.classes


@pytest.mark.parametrize(
    "text, inputs, labels, classes",
    [
        ("1,2,0\n3,4,1\n", [[1, 2], [3, 4]], [0, 1], ("0", "1")),
        ("a,b,c\n1,2,9\n3,4,7\n", [[1, 2], [3, 4]], [1, 0], ("7", "9")),
        ("label,a\n0,5\n1,6\n", [[5], [6]], [0, 1], ("0", "1")),
        ("a,Species\n5,cat\n6,ant\n", [[5], [6]], [1, 0], ("ant", "cat")),
        ("5,cat\n6,ant\n", [[5], [6]], [1, 0], ("ant", "cat")),
        ("1\t2\t0\n3\t4\t1\n", [[1, 2], [3, 4]], [0, 1], ("0", "1")),
        ("1;2;0\r\n3;4;1\r\n", [[1, 2], [3, 4]], [0, 1], ("0", "1")),
        ("  1 2   0\n3 4 1", [[1, 2], [3, 4]], [0, 1], ("0", "1")),
        ("\ufeffa,b\n1,2\n", [[1]], [0], ("2",)),
        ('"a","b"\n"1","x, y"\n', [[1]], [0], ("x, y",)),
        ("\n1,2,0\n\n3,4,1\n\n", [[1, 2], [3, 4]], [0, 1], ("0", "1")),
        ("0,1,label\n5,6,7\n8,9,7\n", [[5, 6], [8, 9]], [0, 0], ("7",)),
        ("1e3,-.5,+3.0\n1.,2,-4\n", [[1000, -0.5], [1, 2]], [1, 0], ("-4", "3")),
        ("1,10\n1,9\n", [[1], [1]], [1, 0], ("9", "10")),
        ("1,20000001\n1,20000002\n", [[1], [1]], [0, 1], ("20000001", "20000002")),
        ("1,9223372036854775807\n1,-1\n", [[1], [1]], [1, 0], ("-1", "9223372036854775807")),
        ("1,a\n2,b", [[1], [2]], [0, 1], ("a", "b")),
    ],
)
def test_csv_layouts(tmp_path, text, inputs, labels, classes):
    for name, content in (
        ("t.csv", text.encode()),
        ("t.csv.gz", gzip.compress(text.encode())),
        ("plain.gz", text.encode()),
    ):
        data = read_csv(write(tmp_path / name, content))
        assert data.inputs.tolist() == inputs
        assert data.labels.tolist() == labels
        assert data.classes == classes


def test_csv_label_column_by_name_and_index(tmp_path):
    path = write(tmp_path / "t.csv", "a,b,c\n1,2,3\n4,5,6\n")
    for label in ("b", 1, -2):
        data = read_csv(path, label=label)
        assert data.inputs.tolist() == [[1, 3], [4, 6]]
        assert data.classes == ("2", "5")


def test_csv_header_can_be_forced(tmp_path):
    path = write(tmp_path / "t.csv", "1,2\n3,4\n")
    assert len(read_csv(path, header=True)) == 1
    assert len(read_csv(path, header=False)) == 2


@pytest.mark.parametrize(
    "text, parts",
    [
        ("", ["expected a table", "empty"]),
        (" \n\n", ["expected a table", "empty"]),
        ("a,b,label\n", ["line 1", "rows of data", "end of the file"]),
        ("a,b,label\n1,2,0\n\n3,x,1\n", ["line 4, column 2 ('b')", "expected a number", "'x'"]),
        ("1,2,0\n3,,1\n", ["line 2, column 2", "expected a number", "nothing"]),
        ("a,b,c\n,2,3\n", ["line 2, column 1 ('a')", "nothing"]),
        ("1,2,0\n3,1\n", ["line 2", "expected 3 columns", "got 2"]),
        ("1,2,0\n3,4,5,6\n", ["line 2", "expected 3 columns", "got 4"]),
        ("1,2,0\n3,nan,1\n", ["line 2, column 2", "finite", "nan"]),
        ("1,inf,0\n", ["line 1, column 2", "finite", "inf"]),
        ("1,1e39,0\n", ["line 1, column 2", "float32", "1e39"]),
        ("1,1_0,0\n", ["line 1, column 2", "expected a number", "1_0"]),
        ("1,0x10,0\n", ["line 1, column 2", "expected a number", "0x10"]),
        ("1,\u0663,0\n", ["line 1, column 2", "expected a number"]),
        ("1,2,0\n3,4,\n", ["line 2, column 3", "expected a label", "nothing"]),
        ("1,2,0\n3,4,0.5\n", ["line 2, column 3", "whole numbers or names", "0.5"]),
        ("1,2,nan\n", ["line 1, column 3", "whole numbers or names", "nan"]),
        ("1,2,1e30\n", ["line 1, column 3", "whole numbers or names", "1e30"]),
        ("5\n6\n", ["a column of labels and one or more of numbers"]),
        (b"1,2,a\n1,2,caf\xe9\n", ["line 2, byte 8", "UTF-8", "e9"]),
        (gzip.compress(b"1,2\n" * 1000, mtime=0)[:-9], ["gzip", "damaged or cut short"]),
    ],
)
def test_csv_errors_say_where(tmp_path, text, parts):
    fails(read_csv, write(tmp_path / "bad.csv", text), *parts)


def test_csv_errors_about_columns(tmp_path):
    path = write(tmp_path / "t.csv", "a,b\n1,2\n")
    fails(read_csv, path, "no column named 'x'", "'a', 'b'", label="x")
    fails(read_csv, path, "from -2 to 1", "got 2", label=2)
    fails(read_csv, write(tmp_path / "u.csv", "1,2\n"), "no line of column names", label="x")


def test_csv_wide_lines(tmp_path):
    # Beyond the csv module's limit on one field.
    wide = ",".join(["1"] * 100_000)
    assert read_csv(write(tmp_path / "wide.csv", f"{wide}\n{wide}\n")).inputs.shape == (2, 99_999)


# npz.


def npz(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    "keys", [("inputs", "labels"), ("images", "labels"), ("X", "y"), ("x_train", "y_train"), ("arr_0", "arr_1")]
)
def test_npz_finds_usual_names(tmp_path, keys):
    path = npz(tmp_path / "t.npz", **{keys[0]: np.ones((3, 2, 2), np.uint8), keys[1]: np.array([5, 7, 5])})
    data = read_npz(path)
    assert data.inputs.dtype == np.uint8
    assert data.labels.tolist() == [0, 1, 0]
    assert data.classes == ("5", "7")


@pytest.mark.parametrize(
    "labels, classes",
    [
        (np.array([1.0, 0.0]), ("0", "1")),
        (np.array([[3], [2]]), ("2", "3")),
        (np.array(["b", "a"]), ("a", "b")),
        (np.array([b"b", b"a"]), ("a", "b")),
        (np.array([True, False]), ("False", "True")),
    ],
)
def test_npz_kinds_of_labels(tmp_path, labels, classes):
    data = read_npz(npz(tmp_path / "t.npz", X=np.ones((2, 3)), y=labels))
    assert data.labels.tolist() == [1, 0]
    assert data.classes == classes


def test_npz_with_keys_and_with_test_data(tmp_path):
    x, y = np.ones((2, 3)), np.array([0, 1])
    path = npz(tmp_path / "t.npz", x_train=x, y_train=y, x_test=x[:1], y_test=y[:1], other=x * 2)
    training, test = read(path)
    assert (len(training), len(test)) == (2, 1)
    chosen, none = read(path, keys=("other", "y_train"))
    assert chosen.inputs[0, 0] == 2
    assert none is None


@pytest.mark.parametrize(
    "arrays, parts",
    [
        ({"a": np.ones((2, 2)), "b": np.ones(2)}, ["usual names", "'a', 'b'"]),
        ({}, ["usual names", "an empty archive"]),
        ({"X": np.ones((2, 2)), "y": np.ones(3)}, ["2 inputs in 'X'", "3 labels in 'y'"]),
        ({"X": np.ones(2), "y": np.ones(2)}, ["'X'", "(observations, features, ...)", "(2,)"]),
        ({"X": np.ones((0, 2)), "y": np.ones(0)}, ["'X'", "(0, 2)"]),
        ({"X": np.ones((2, 2), complex), "y": np.ones(2)}, ["'X'", "real numbers", "complex128"]),
        ({"X": np.array([[1.0, 2.0], [np.nan, 1.0]]), "y": np.ones(2)}, ["'X'", "finite", "nan", "(1, 0)"]),
        ({"X": np.ones((2, 2)), "y": np.array([0.0, 0.5])}, ["'y'", "whole numbers", "0.5", "row 1"]),
        ({"X": np.ones((2, 2)), "y": np.array([0.0, np.inf])}, ["'y'", "whole numbers", "inf", "row 1"]),
        ({"X": np.ones((2, 2)), "y": np.ones((2, 2))}, ["'y'", "one label per observation", "(2, 2)"]),
        ({"X": np.ones((2, 2)), "y": np.array([{}, None], object)}, ["'y'", "pickled objects"]),
        ({"X": np.ones((2, 2)), "y": np.ones(2, complex)}, ["'y'", "integers or strings", "complex128"]),
    ],
)
def test_npz_errors_say_what(tmp_path, arrays, parts):
    fails(read_npz, npz(tmp_path / "bad.npz", **arrays), *parts)


def test_npz_missing_key(tmp_path):
    fails(
        read_npz,
        npz(tmp_path / "t.npz", X=np.ones((2, 2)), y=np.ones(2)),
        "no array named 'z'",
        "'X', 'y'",
        keys=("X", "z"),
    )


def test_npz_damaged(tmp_path):
    good = npz(tmp_path / "good.npz", X=np.ones((200, 20)), y=np.ones(200)).read_bytes()
    fails(read_npz, write(tmp_path / "cut.npz", good[: len(good) // 2]), "expected a .npz archive")
    flipped = bytearray(good)
    flipped[2000] ^= 0xFF
    fails(read_npz, write(tmp_path / "flipped.npz", bytes(flipped)), "'X'", "damaged")
    fails(read_npz, write(tmp_path / "text.npz", "1,2,3\n"), "expected a .npz archive")
    np.save(tmp_path / "single.npy", np.ones(3))
    fails(read_npz, tmp_path / "single.npy", "expected a .npz archive", "single .npy array")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("X", b"not an array")
        archive.writestr("y", b"not an array")
    fails(read_npz, tmp_path / "other.npz", "'X'", "expected an array")


# IDX.


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize(
    "code, dtype", [(0x08, ">u1"), (0x09, ">i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
)
def test_idx_reads_every_type(tmp_path, compress, code, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    got = read_idx(write(tmp_path / "t", compress(idx(array, code))))
    np.testing.assert_array_equal(got, array)
    assert got.dtype.isnative
    assert got.flags.writeable


GOOD = idx(np.arange(6, dtype=np.uint8).reshape(2, 3))


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize(
    "content, parts",
    [
        (b"", ["byte 0", "00 00", "nothing"]),
        (b"\0\0", ["byte 0", "00 00"]),
        (b"\1" + GOOD[1:], ["byte 0", "00 00", "01 00 08 02"]),
        (GOOD[:2] + b"\x0a" + GOOD[3:], ["byte 2", "type code", "0a"]),
        (GOOD[:3] + b"\0", ["byte 3", "dimensions", "got 0"]),
        (GOOD[:9], ["byte 9", "header is cut short", "2 sizes", "got 5 bytes"]),
        (GOOD[:-1], ["byte 17", "cut short", "2 x 3 values", "got 5 bytes"]),
        (GOOD + b"\0", ["byte 18", "expected the end of the file", "got more"]),
        (GOOD[:4] + b"\xff" * 8 + GOOD[12:], ["byte 18", "cut short", "4294967295 x 4294967295"]),
    ],
)
def test_idx_errors_name_the_byte(tmp_path, compress, content, parts):
    fails(read_idx, write(tmp_path / "bad", compress(content)), *parts)


def test_idx_damaged_compression(tmp_path):
    packed = gzip.compress(idx(np.arange(100_000, dtype=np.uint8).reshape(100, 1000)))
    fails(read_idx, write(tmp_path / "cut.gz", packed[:-20]), "gzip", "cut short")
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    fails(read_idx, write(tmp_path / "flipped.gz", bytes(flipped)), "gzip")


def mnist(folder: Path) -> Path:
    images = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)
    labels = np.array([0, 1, 2, 2, 1, 0], np.uint8)
    write(folder / "train-images-idx3-ubyte.gz", gzip.compress(idx(images)))
    write(folder / "train-labels-idx1-ubyte.gz", gzip.compress(idx(labels)))
    write(folder / "t10k-images-idx3-ubyte", idx(images[:3]))
    write(folder / "t10k-labels-idx1-ubyte", idx(labels[:3]))
    return folder


def test_idx_pairs_and_directories(tmp_path):
    folder = mnist(tmp_path)
    training, test = read(folder)
    assert training.inputs.shape == (6, 2, 2)
    assert training.labels.tolist() == [0, 1, 2, 2, 1, 0]
    assert len(test) == 3
    assert len(read(folder / "train-images-idx3-ubyte.gz")[0]) == 6
    assert len(read([folder / "t10k-images-idx3-ubyte", folder / "t10k-labels-idx1-ubyte"])[0]) == 3


def test_idx_pair_errors(tmp_path):
    folder = mnist(tmp_path)
    images, labels = folder / "train-images-idx3-ubyte.gz", folder / "t10k-labels-idx1-ubyte"
    with pytest.raises(DataError, match=r"expected a label for each of the 6 images .* got 3"):
        read_idx_pair(images, labels)
    with pytest.raises(DataError, match=r"expected images, .* shape \(3,\)"):
        read_idx_pair(labels, labels)
    with pytest.raises(DataError, match=r"expected labels, .* shape \(6, 2, 2\)"):
        read_idx_pair(images, images)
    alone = write(tmp_path / "alone", images.read_bytes())
    fails(read_idx_pair, alone, "holds images only")
    nan = write(tmp_path / "nan", idx(np.array([[1.0], [np.nan]], ">f4"), 0x0D))
    with pytest.raises(DataError, match="NaN or infinity in image 1"):
        read_idx_pair(nan, write(tmp_path / "two", idx(np.zeros(2, np.uint8))))


# Any kind.


def test_read_tells_the_kind_by_content(tmp_path):
    table = digits_as_csv(tmp_path / "digits")
    assert read(table)[0].inputs.shape == (1797, 64)
    np.savez(tmp_path / "t.npz", X=np.ones((2, 3)), y=np.ones(2))
    assert len(read((tmp_path / "t.npz").rename(tmp_path / "t.dat"))[0]) == 2


@pytest.mark.parametrize("name", ["missing.csv", "no/such/folder/missing.npz"])
def test_read_missing_file(tmp_path, name):
    for reader in (read, read_csv, read_npz, read_idx):
        fails(reader, tmp_path / name, "no such file")


def test_read_errors(tmp_path):
    table = digits_as_csv(tmp_path / "digits.csv")
    archive = npz(tmp_path / "t.npz", X=np.ones((2, 3)), y=np.ones(2))
    fails(read, write(tmp_path / "picture.png", b"\x89PNG\r\n"), "line 1, byte 1", "UTF-8")
    fails(read, write(tmp_path / "array.npy", b"\x93NUMPY"), "something else", "93 4e 55 4d")
    fails(read, write(tmp_path / "fake.npz", "1,2\n"), "something else")
    fails(read, tmp_path, "expected a file, or a directory with MNIST's")
    fails(read, table, "array names", "this is CSV", keys=("a", "b"))
    fails(read, archive, "label column", "this is .npz", label="a")
    with pytest.raises(DataError, match="a second file goes with IDX images only"):
        read([table, archive])
    with pytest.raises(DataError, match="got 3 paths"):
        read([table] * 3)
    fails(read_csv, tmp_path, "expected a file, got a directory")
