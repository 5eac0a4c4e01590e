"""Linear algebra under one name: ``tg.linalg.norm``, ``tg.linalg.matmul``, ... The functions live in ``ops/``."""

# Written by ci/generate. Do not edit.

from .ops.linalg import matmul
from .ops.moments import matrix_norm, norm, vector_norm
from .ops.shape import matrix_transpose

__all__ = [
    "matmul", "matrix_norm", "matrix_transpose", "norm", "vector_norm",
]
