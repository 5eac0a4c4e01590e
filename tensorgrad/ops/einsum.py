"""Einstein summation: any number of operands, contracted two at a time by matrix products.

What an expression asks beyond products of pairs (diagonals, sums over an index of one operand, broadcasting) is done by
other ops first, so that ``contract`` sees each index at most once per operand, and in two of three: operands and
result. Its derivatives are then contractions of the same kind.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..core.node import Info
from ..core.state import get_state
from ..core.tensor import Tensor
from ..define import op, public
from ..dtypes import result_dtype
from ..errors import ArgumentError, ShapeError
from ..op import TENSORS
from .axes import size_of
from .reduction import tensor_of

__all__ = ["contract", "einsum"]

Labels: TypeAlias = tuple[int, ...]

# The product of two.


def _lengths(a: Any, b: Any, a_labels: Labels, b_labels: Labels) -> dict[int, int]:
    lengths = dict(zip(a_labels, a.shape, strict=True))
    for position, (label, n) in enumerate(zip(b_labels, b.shape, strict=True)):
        if lengths.setdefault(label, n) != n:
            raise ShapeError(
                f"axis {a_labels.index(label)} of a has length {lengths[label]}, axis {position} of b has length {n}: "
                "expected equal"
            )
    return lengths


def _contract_infer(params: dict[str, Any], a: Info, b: Info) -> Info:
    lengths = _lengths(a, b, params["a_labels"], params["b_labels"])
    dtype = result_dtype([a.dtype, b.dtype], [], "same", get_state().dtype)
    return Info(tuple(lengths[label] for label in params["out_labels"]), dtype)


def _arranged(x: Any, labels: Labels, *groups: Labels) -> Any:
    """``x`` with its axes in the order of ``groups``."""
    order = tuple([labels.index(label) for group in groups for label in group])
    return x if order == tuple(range(x.ndim)) else x.transpose(order)


def _contract_body(m: Any, a: Any, b: Any, a_labels: Labels, b_labels: Labels, out_labels: Labels) -> Any:
    lengths = _lengths(a, b, a_labels, b_labels)
    batch = tuple([k for k in out_labels if k in a_labels and k in b_labels])
    summed = tuple([k for k in a_labels if k in b_labels and k not in out_labels])
    left = tuple([k for k in out_labels if k not in b_labels])
    right = tuple([k for k in out_labels if k not in a_labels])
    if right and left and out_labels.index(right[0]) < out_labels.index(left[0]):
        a, b, a_labels, b_labels, left, right = b, a, b_labels, a_labels, right, left
    count = size_of([lengths[k] for k in summed])
    if not summed:
        shapes = [tuple(lengths[k] if k in labels else 1 for k in out_labels) for labels in (a_labels, b_labels)]
        operands = [
            _arranged(x, labels, tuple([k for k in out_labels if k in labels])).reshape(shape)
            for x, labels, shape in zip((a, b), (a_labels, b_labels), shapes, strict=True)
        ]
        return operands[0] * operands[1]
    if batch and not left and not right:
        products = _arranged(a, a_labels, batch, summed) * _arranged(b, b_labels, batch, summed)
        total = m.sum(products, axis=tuple(range(len(batch), products.ndim)), keepdims=False)
        return total.astype(products.dtype, copy=False)
    lead = tuple([lengths[k] for k in batch])
    rows, columns = (size_of([lengths[k] for k in group]) for group in (left, right))
    first = _arranged(a, a_labels, batch, left, summed).reshape((*lead, rows, count))
    second = _arranged(b, b_labels, batch, summed, right).reshape((*lead, count, columns))
    product = m.matmul(first, second)
    labels = batch + left + right
    return _arranged(product.reshape(tuple([lengths[k] for k in labels])), labels, out_labels)


_contract = op(
    "contract",
    "a b",
    params="a_labels b_labels out_labels",
    kind="same",
    infer=_contract_infer,
    body=_contract_body,
    rules={
        "a": lambda m, g, b, a_labels, b_labels, out_labels: m.contract(
            g, b, a_labels=out_labels, b_labels=b_labels, out_labels=a_labels
        ),
        "b": lambda m, g, a, a_labels, b_labels, out_labels: m.contract(
            g, a, a_labels=out_labels, b_labels=a_labels, out_labels=b_labels
        ),
    },
    multilinear="a b",
    doc="The product of two tensors whose axes have labels, summed over the labels that the result has not.",
)


def contract(a: Tensor, b: Tensor, a_labels: Sequence[int], b_labels: Sequence[int], out: Sequence[int]) -> Tensor:
    """The product of ``a`` and ``b`` with their axes named by numbers, summed over those that are not in ``out``."""
    return _contract(a, b, a_labels=tuple(a_labels), b_labels=tuple(b_labels), out_labels=tuple(out))  # type: ignore[no-any-return]


# Reading an expression.


@functools.lru_cache(maxsize=256)
def _parse(subscripts: str, ndims: Labels) -> tuple[tuple[Labels, ...], Labels]:
    """The labels of each operand's axes and of the result's. An ellipsis stands for labels -1, -2, ... from the end."""
    text = subscripts.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ArgumentError(f"expected an operand for each term of {subscripts!r}, got {len(ndims)} for {len(terms)}")
    labels = tuple(_labels(term, ndim, subscripts) for term, ndim in zip(terms, ndims, strict=True))
    widest = max((-k for term in labels for k in term if k < 0), default=0)
    ellipsis = tuple(range(-widest, 0))
    if arrow:
        out = _term(output, ellipsis, subscripts)
        if ellipsis and "..." not in output:
            raise ArgumentError(f"the result of {subscripts!r} needs '...' too: its operands have such axes")
    else:
        flat = [k for term in labels for k in term if k >= 0]
        out = ellipsis + tuple(sorted({k for k in flat if flat.count(k) == 1}))
    return labels, _checked(out, labels, subscripts)


def _checked(out: Labels, labels: Iterable[Labels], subscripts: Any) -> Labels:
    known = {k for term in labels for k in term}
    if len(set(out)) != len(out) or not set(out) <= known:
        raise ArgumentError(f"the result of {subscripts!r} must name each of its indices once, and only the operands'")
    return out


def _labels(term: str, ndim: int, subscripts: str) -> Labels:
    named = len(term.replace("...", ""))
    spare = ndim - named
    if spare < 0 or (spare and "..." not in term):
        raise ShapeError(f"term {term!r} of {subscripts!r} names {named} axes, but its operand has {ndim}")
    return _term(term, tuple(range(-spare, 0)), subscripts)


def _term(term: str, ellipsis: Labels, subscripts: str) -> Labels:
    before, dots, after = term.partition("...")
    for letter in before + after:
        if not (letter.isascii() and letter.isalpha()):
            raise ArgumentError(f"expected letters, commas, '->' and '...' in {subscripts!r}, got {letter!r}")
    return tuple(map(ord, before)) + (ellipsis if dots else ()) + tuple(map(ord, after))


def _from_lists(operands: Sequence[Any]) -> tuple[list[Tensor], tuple[Labels, ...], Labels]:
    """The other form: ``einsum(a, [0, 1], b, [1, ...], [0, ...])``."""
    if len(operands) < 2:
        raise ArgumentError("expected subscripts and operands, or operands and lists of indices in turn")
    arrays = [tensor_of(x) for x in operands[: len(operands) // 2 * 2 : 2]]
    lists = list(operands[1::2])
    output = operands[-1] if len(operands) % 2 else None
    labels = []
    for x, entries in zip(arrays, lists, strict=True):
        spare = x.ndim - sum(e is not Ellipsis for e in entries)
        if spare < 0 or (spare and Ellipsis not in entries):
            raise ShapeError(f"indices {list(entries)} do not name the axes of an operand of {x.ndim} dimensions")
        labels.append(_listed(entries, tuple(range(-spare, 0))))
    widest = max((-k for term in labels for k in term if k < 0), default=0)
    ellipsis = tuple(range(-widest, 0))
    if output is None:
        flat = [k for term in labels for k in term if k >= 0]
        out = ellipsis + tuple(sorted({k for k in flat if flat.count(k) == 1}))
    else:
        out = _listed(output, ellipsis)
    return arrays, tuple(labels), _checked(out, labels, lists)


def _listed(entries: Sequence[Any], ellipsis: Labels) -> Labels:
    out: list[int] = []
    for entry in entries:
        if entry is Ellipsis:
            out += ellipsis
        elif hasattr(entry, "__index__") and entry.__index__() >= 0:
            out.append(entry.__index__())
        else:
            raise ArgumentError(f"expected indices that are not negative or an ellipsis, got {entry!r}")
    return tuple(out)


# Computing one.


def _single(x: Tensor, labels: Labels, lengths: dict[int, int], elsewhere: set[int]) -> tuple[Tensor, Labels]:
    """An operand with each of its indices once, and all of them needed elsewhere."""
    shape = x.shape
    repeated = [i for i, k in enumerate(labels) if shape[i] == 1 and lengths[k] != 1]
    if repeated:  # an axis that only broadcasts
        x = TENSORS.squeeze(x, axis=tuple(repeated))
        labels = tuple([k for i, k in enumerate(labels) if i not in repeated])
    while len(set(labels)) != len(labels):
        k = next(k for k in labels if labels.count(k) > 1)
        i = labels.index(k)
        j = labels.index(k, i + 1)
        x = TENSORS.diagonal(x, offset=0, axis1=i, axis2=j)
        labels = (*(n for p, n in enumerate(labels) if p not in (i, j)), k)
    lone = tuple([i for i, k in enumerate(labels) if k not in elsewhere])
    if lone:
        dtype = x.dtype
        x = TENSORS.sum(x, axis=lone, keepdims=False)
        if x.dtype != dtype:  # integers are added in 64 bits
            x = TENSORS.astype(x, dtype=dtype)
        labels = tuple([k for k in labels if k in elsewhere])
    return x, labels


def _measure(tensors: Sequence[Tensor], labels: Sequence[Labels]) -> dict[int, int]:
    lengths: dict[int, int] = {}
    for position, (x, term) in enumerate(zip(tensors, labels, strict=True)):
        for axis, (k, n) in enumerate(zip(term, x.shape, strict=True)):
            known = lengths.setdefault(k, n)
            if known == 1:
                lengths[k] = n
            elif n not in (1, known):
                name = f"index {chr(k)!r}" if k > 64 else f"index {k}" if k >= 0 else "the ellipsis"
                raise ShapeError(
                    f"axis {axis} of operand {position} has length {n}, but {name} has length {known} elsewhere"
                )
    return lengths


@functools.lru_cache(maxsize=256)
def _path(
    labels: tuple[Labels, ...], out: Labels, shapes: tuple[tuple[int, ...], ...], how: str
) -> list[tuple[int, ...]]:
    """Which operands to contract in which order: NumPy's choice."""
    names = {k: i for i, k in enumerate(sorted({k for term in labels for k in term}))}
    arguments: list[Any] = []
    for term, shape in zip(labels, shapes, strict=True):
        arguments += [np.broadcast_to(np.zeros(()), shape), [names[k] for k in term]]
    path = np.einsum_path(*arguments, [names[k] for k in out], optimize=how)[0]
    return path[1:]


def _computed(
    tensors: list[Tensor], labels: list[Labels], out: Labels, lengths: dict[int, int], path: Iterable[tuple[int, ...]]
) -> Tensor:
    for chosen in path:
        picked = [(tensors[i], labels[i]) for i in sorted(chosen)]
        for i in sorted(chosen, reverse=True):
            del tensors[i], labels[i]
        needed = {*out, *(k for term in labels for k in term)}
        while len(picked) > 1:
            (a, a_labels), (b, b_labels) = picked[:2]
            later = needed | {k for _, term in picked[2:] for k in term}
            a, a_labels = _single(a, a_labels, lengths, later | {*b_labels})
            b, b_labels = _single(b, b_labels, lengths, later | {*a_labels})
            both = dict.fromkeys(a_labels + b_labels)
            last = not tensors and len(picked) == 2
            made = tuple(k for k in (out if last else both) if k in both and k in later)
            product = contract(a, b, a_labels, b_labels, made)
            picked[:2] = [(product, made)]
        tensors.append(picked[0][0])
        labels.append(picked[0][1])
    x, found = _single(tensors[0], labels[0], lengths, {*out})
    order = tuple([found.index(k) for k in out if k in found])
    return x if order == tuple(range(x.ndim)) else TENSORS.permute_dims(x, axes=order)


@public
def einsum(*operands: Any, optimize: str | bool = "greedy") -> Tensor:
    """Products of operands summed over indices, as ``np.einsum``: ``einsum("ij,jk->ik", a, b)`` is a matrix product.

    Parameters:
        operands: the subscripts, then the arrays; or arrays and lists of integers in turn, and that of the result
            last: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``. An index twice in one operand takes the diagonal; one
            that is not in the result is summed over; ``...`` stands for axes that broadcast. Without ``->`` the
            result has the indices that occur once, in alphabetical order.
        optimize: the order of products, for three operands and more: "greedy", "optimal", or False for left to right.

    Differentiable to any order in each operand; the derivatives are contractions too.

    Raises ArgumentError for subscripts that cannot be read, ShapeError if they do not fit the operands.

    >>> import tensorgrad as tg
    >>> a = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.einsum("ij,j->i", a, a[0]), tg.einsum("ii", a)
    (tensor([ 5., 11.]), tensor(5.))
    """
    if operands and isinstance(operands[0], str):
        tensors = [tensor_of(x) for x in operands[1:]]
        labels, out = _parse(operands[0], tuple(x.ndim for x in tensors))
    else:
        tensors, labels, out = _from_lists(operands)
    if not tensors:
        raise ArgumentError("einsum: expected at least one operand")
    lengths = _measure(tensors, labels)
    path: list[tuple[int, ...]]
    if len(tensors) < 3 or optimize is False:
        path = [(0, 1)] if len(tensors) == 2 else [tuple(range(len(tensors)))] if len(tensors) > 1 else []
    else:
        how = "greedy" if optimize is True else optimize
        if how not in ("greedy", "optimal"):
            raise ArgumentError(f"einsum: expected optimize to be 'greedy', 'optimal' or a bool, got {optimize!r}")
        path = _path(labels, out, tuple(x.shape for x in tensors), how)
    return _computed(tensors, list(labels), out, lengths, path)
