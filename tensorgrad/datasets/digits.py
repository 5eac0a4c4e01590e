"""The UCI handwritten digits, as they ship in the package."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from .labelled import Labelled

__all__ = ["load_digits"]


def load_digits() -> Labelled:
    """1,797 handwritten digits as 8x8 images: uint8 inputs of shape ``(1797, 8, 8)`` with values 0..16.

    The test partition of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (1998), UCI Machine
    Learning Repository, https://doi.org/10.24432/C50P49, licensed CC BY 4.0; taken from scikit-learn's copy. The full
    attribution lies beside the data in ``DIGITS_LICENSE.txt``.

    >>> from tensorgrad.datasets import load_digits
    >>> digits = load_digits()
    >>> digits.inputs.dtype, int(digits.inputs.max()), digits.labels[:5]
    (dtype('uint8'), 16, array([0, 1, 2, 3, 4]))
    """
    with files(__package__).joinpath("digits.npz").open("rb") as stream, np.load(stream) as archive:
        images, labels = archive["images"], archive["labels"]
    return Labelled(images, labels.astype(np.int64), tuple("0123456789"), "UCI handwritten digits")
