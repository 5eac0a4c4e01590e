"""A short call path for ops of one tensor, views included, in the common case; the rest goes through ``apply``."""

from __future__ import annotations

import sys
from typing import Any

from ..call import _as_view, apply, refresh
from ..core.lines import PACKAGE, user_line
from ..core.node import Info, Node
from ..core.report import because, failure
from ..core.state import get_state
from ..core.tensor import Tensor
from ..dtypes import is_floating
from ..errors import TensorgradError
from ..op import Op

__all__ = ["single_path"]

_new = object.__new__
_getframe = sys._getframe


def single_path(defined: Any) -> Any:
    """Give an op of one tensor and one result its short call path ``call(x, **params)``, and return it.

    It does what ``apply`` does for a Tensor whose dtype the op's kind leaves alone.
    """
    op: Op = defined.op
    bounds = op.bounds
    names = op.params
    view = op.view
    kind = op.kind
    differentiable = op.differentiable
    composite = op.composite

    def call(x: Any, /, **params: Any) -> Any:
        state = get_state()
        if not state.plain or not isinstance(x, Tensor):
            return apply(op, (x,), tuple([params[name] for name in names]))
        data = x.data
        bound = bounds.get(type(data))
        if bound is None or (kind != "none" and data.dtype.kind != "f"):
            return apply(op, (x,), tuple([params[name] for name in names]))
        if x._view is not None and x._view.version != x._cell[0]:
            refresh(x)
        parent = x._node
        if composite and parent is not None:
            return apply(op, (x,), tuple([params[name] for name in names]))
        try:
            result = bound.f(data, **params)
        except Exception as error:
            raise failure(op.name, (x,), op.inputs, error, _expected(op, data, params)) from because(error)
        if type(result) is not type(data):
            result = bound.backend.asarray(result)
        frame = _getframe(1)
        code = frame.f_code
        line = state.line or (user_line(frame) if code.co_filename.startswith(PACKAGE) else (code, frame.f_lasti))
        out = _new(Tensor)
        out.data = result
        out._view = None
        out._node = None
        out._line = line
        if view:
            base = result.base
            if result is data or (base is not None and (base is data or base is data.base)):
                if result is data:
                    out.data = data[...]
                _as_view(out, x, op, tuple([params[name] for name in names]), state.grad, -1)
            else:
                out._cell = [0]
        else:
            out._cell = [0]
        if parent is not None and differentiable and state.grad and is_floating(result.dtype):
            _record(bound.masks[1] or bound.mask(1), x, data, params, parent, out, line)
        return out

    call.__name__ = call.__qualname__ = op.name
    call.__module__ = "tensorgrad"
    call.__doc__ = defined.__doc__
    call.op = op  # type: ignore[attr-defined]
    op.call = call
    return call


def _record(plan: Any, x: Tensor, data: Any, params: dict[str, Any], parent: Any, out: Tensor, line: Any) -> None:
    """Hang a node on the result. As ``call.record``, for one operand that was taken as it is."""
    saved: list[Any] = []
    cells: list[Any] = []
    version = 0
    names = plan.op.params
    for what, which in plan.sources:
        if what == "info":
            saved.append(Info(data.shape, data.dtype))
        elif what == "param":
            saved.append(params[names[which]])
        elif what == "input":
            saved.append(data)
            cells.append(x._cell)
            version += x._cell[0]
        else:
            saved.append(out.data)
            cells.append(out._cell)
            version += out._cell[0]
    node = _new(Node)
    node.plan = plan
    node.params = tuple([params[name] for name in names])
    node.parents = (parent,)
    node.saved = tuple(saved)
    node.cells = tuple(cells)
    node.version = version
    node.rank = parent.rank + 1
    node.shape = out.data.shape
    node.dtype = out.data.dtype
    node.line = line
    node.hooks = None
    node.grad = None
    out._node = node
    out._line = None


def _expected(op: Op, data: Any, params: dict[str, Any]) -> str | None:
    """What ``infer`` has to say about an operand that the backend refused."""
    try:
        op.infer(params, Info(data.shape, data.dtype))  # type: ignore[misc]
    except TensorgradError as error:
        return str(error)
    except Exception:
        return None
    return None
