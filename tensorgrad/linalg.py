"""Linear algebra under one name: ``tg.linalg.norm``, ... The functions live in ``ops/``."""

# Written by ci/generate. Do not edit.

from .ops.linalg import cross, kron, matmul, outer, tensordot, vecdot
from .ops.moments import matrix_norm, norm, vector_norm
from .ops.shape import matrix_transpose
from .ops.triangle import diagonal, trace

__all__ = [
    "cross", "diagonal", "kron", "matmul", "matrix_norm", "matrix_transpose", "norm", "outer", "tensordot", "trace",
    "vecdot", "vector_norm",
]
