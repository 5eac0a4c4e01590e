"""The fast call paths of elementwise operations do what the general one does, to the bit and to the node."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from calls import samples
from optable import ROWS, Row

import tensorgrad as tg
from tensorgrad.call import apply
from tensorgrad.core.lines import location
from tensorgrad.core.node import Node
from tensorgrad.op import OPS

ONE_OR_TWO = [row for row in ROWS if row.elementwise and row.name in OPS and not OPS[row.name].params]


@pytest.mark.parametrize("row", [r for r in ONE_OR_TWO if len(OPS[r.name].inputs) < 3], ids=lambda row: row.name)
def test_fast_call_paths_do_what_the_general_one_does(row: Row) -> None:
    op = OPS[row.name]
    for dtype in row.dtypes:
        for sample in samples(row, dtype):
            if len(sample.args) != len(op.inputs):
                continue
            for mask in range(1 << len(op.inputs)):
                args = [
                    tg.Tensor(x, requires_grad="float" in str(x.dtype) and bool(mask >> i & 1))
                    if isinstance(x, np.ndarray)
                    else x
                    for i, x in enumerate(sample.args)
                ]
                fast, general = op.call(*args), apply(op, args)
                compare_results(fast, general)


def compare_results(fast: tg.Tensor, general: tg.Tensor) -> None:
    assert type(fast.data) is type(general.data)
    assert (fast.dtype, fast.shape) == (general.dtype, general.shape)
    assert fast.data.tobytes() == general.data.tobytes()
    a, b = fast.node, general.node
    assert type(a) is type(b)
    if not isinstance(a, Node) or not isinstance(b, Node):
        assert location(fast._line)[0] == location(general._line)[0] == __file__  # type: ignore[arg-type]
        return
    assert a.plan is b.plan
    assert [p is q for p, q in zip(a.parents, b.parents, strict=True)] == [True] * len(a.parents) or a.op.composite
    assert (a.params, a.rank, a.shape, a.dtype, a.version) == (b.params, b.rank, b.shape, b.dtype, b.version)
    assert location(a.line)[0] == location(b.line)[0] == __file__  # type: ignore[arg-type]
    assert len(a.saved) == len(b.saved)  # type: ignore[arg-type]
    for x, y, cell, other in zip(a.saved, b.saved, pad(a), pad(b), strict=True):  # type: ignore[arg-type]
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()
        assert (cell is None) == (other is None)


def pad(node: Node) -> list[Any]:
    """A cell, or None, for each saved value: the general path notes None where a fast one may leave it out."""
    return [*node.cells, *[None] * (len(node.saved or ()) - len(node.cells))]
