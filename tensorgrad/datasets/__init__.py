"""Labelled data: a real data set that ships in the package, and readers for ``.npz``, CSV and MNIST's IDX files.

Every reader checks what it reads. What is wrong is one ``DataError`` that names the file, the place in it (line and
column, array, byte), what was expected there and what came.
"""

from .csv_file import read_csv
from .digits import load_digits
from .idx_file import read_idx, read_idx_pair
from .labelled import DataError, Labelled
from .npz_file import read_npz
from .read import read

__all__ = ["DataError", "Labelled", "load_digits", "read", "read_csv", "read_idx", "read_idx_pair", "read_npz"]
