"""Checks for derivatives and for operations, for the project's own tests and for those of its users.

``check_grads`` compares derivatives with finite differences, ``check_op`` also looks at what an operation promises
and at what it does to memory, ``assert_close`` compares values. All raise AssertionError with the numbers.
"""

from __future__ import annotations

from .close import assert_close
from .gradients import check_grads
from .operations import Call, check_infer, check_memory, check_op, record_calls

__all__ = ["Call", "assert_close", "check_grads", "check_infer", "check_memory", "check_op", "record_calls"]
