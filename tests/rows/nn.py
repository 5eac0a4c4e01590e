"""Rows of ``tensorgrad.ops.nn``, ``loss`` and ``optimize``: what layers, losses and optimizers are made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from optable import Bad, Row, Sample

import tensorgrad as tg
from tensorgrad.errors import ArgumentError, AxisError, DTypeError, IndexingError, LabelError, ShapeError
from tensorgrad.nn import functional as F
from tensorgrad.ops import loss, nn
from tensorgrad.ops.labels import pick_class

INF, NAN = math.inf, math.nan


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return rng.standard_normal(shape).astype(dtype)


def torch_functional(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        import torch

        return getattr(torch.nn.functional, name)(*args, **kwargs)

    return call


# The affine map.


def linear_samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for lead in ((), (3,), (1,), (0,), (2, 3), (2, 0, 2)):
        x, weight, bias = (normal(rng, shape, dtype) for shape in ((*lead, 4), (3, 4), (3,)))
        yield Sample((x, weight, bias), note=f"{lead}")
    yield Sample((normal(rng, (3, 2), dtype), normal(rng, (2, 2), dtype)), note="no bias")
    yield Sample((normal(rng, (2, 0), dtype), normal(rng, (3, 0), dtype), normal(rng, (3,), dtype)), note="no inputs")
    yield Sample((normal(rng, (2, 3), dtype), normal(rng, (1, 3), dtype), normal(rng, (1,), dtype)), note="one output")


def numpy_linear(x: Any, weight: Any, bias: Any = None) -> Any:
    out = np.einsum("...i,oi->...o", x, weight)
    return out if bias is None else out + bias


X, W, B = np.zeros((2, 4)), np.zeros((3, 4)), np.zeros(3)
LINEAR = Row(
    "linear",
    tg.linear,
    linear_samples,
    numpy=numpy_linear,
    torch=torch_functional("linear"),
    grad=(0, 1, 2),
    ops=("linear", "linear_weight", "linear_bias"),
    bad=[
        Bad((X, W.T, B), ShapeError, r"last axis of x must have length 3"),
        Bad((X, W, np.zeros(4)), ShapeError, r"bias must have shape \[3\]"),
        Bad((X, np.zeros(4)), ShapeError, r"weight must be a matrix"),
        Bad((np.zeros(()), W), ShapeError, r"last axis of x must have length 4"),
    ],
)

# Rows of a table.


def embedding_samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    table = normal(rng, (5, 3), dtype)
    square = np.array([[0, 1], [1, 1]], dtype=np.int32)
    for index in (np.array(2), np.array([1, 4, 1]), square, np.zeros((0,), np.int64)):
        yield Sample((index, table), note=f"{index.shape}")
    yield Sample((rng.integers(0, 5, 20), normal(rng, (5, 1), dtype)), note="many")
    yield Sample((rng.integers(0, 5, 20).astype(np.uint8), table), note="bytes")


EMBEDDING = Row(
    "embedding",
    tg.embedding,
    embedding_samples,
    numpy=lambda indices, weight: weight[indices],
    torch=lambda indices, weight: torch_functional("embedding")(indices.long(), weight),
    grad=(1,),
    ops=("embedding", "embedding_vjp"),
    bad=[
        Bad((np.array([0, 7]), np.zeros((5, 2))), IndexingError, r"index 7 at 1 is not in a table of 5 rows"),
        Bad((np.array([[0, -1]]), np.zeros((5, 2))), IndexingError, r"index -1 at \(0, 1\)"),
        Bad((np.array([0.0]), np.zeros((5, 2))), DTypeError, r"indices must be integers"),
        Bad((np.array([0]), np.zeros(5)), ShapeError, r"weight must be a matrix"),
        Bad((np.array([0]), np.zeros((5, 2))), AxisError, r"padding_idx 5", {"padding_idx": 5}),
    ],
)

# Standardising.


def standardize_samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape, axis in (((4,), -1), ((2, 4), 1), ((2, 3, 2), (0, 2)), ((3, 1), 0), ((0, 3), -1)):
        yield Sample((normal(rng, shape, dtype),), {"axis": axis}, note=f"{shape} over {axis}")
    yield Sample((normal(rng, (2, 4), dtype),), {"axis": None, "eps": 0.5}, note="all")


def numpy_standardize(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    wide = np.asarray(x, dtype=np.float64)
    mean = wide.mean(axis=axis, keepdims=True)
    return ((wide - mean) / np.sqrt(wide.var(axis=axis, keepdims=True) + eps)).astype(x.dtype)


STANDARDIZE = Row(
    "standardize",
    tg.standardize,
    standardize_samples,
    numpy=numpy_standardize,
    ops=("standardize",),
    tolerance=4.0,
    bad=[
        Bad((np.zeros((2, 2)),), AxisError, r"axis 2 is out of range", {"axis": 2}),
        Bad((np.zeros((2, 2), np.int64),), DTypeError, r"expected a floating dtype"),
    ],
)


def statistics(x: Any, center: bool = True) -> Any:
    """All three results of the op, each differentiated."""
    return nn.normalize_mean_variance(x, -1, 1e-3, center)


STATISTICS = Row(
    "statistics",
    statistics,
    lambda rng, dtype: [
        Sample((normal(rng, (2, 3), dtype),)),
        Sample((normal(rng, (2, 3), dtype),), {"center": False}),
    ],
    ops=("standardize",),
    tolerance=4.0,
)


def layer_norm_samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    yield Sample((normal(rng, (3, 4), dtype), (4,), normal(rng, (4,), dtype), normal(rng, (4,), dtype)))
    yield Sample((normal(rng, (2, 2, 3), dtype), (2, 3), normal(rng, (2, 3), dtype)), note="two axes, no bias")
    yield Sample((normal(rng, (2, 3), dtype), (3,)), {"eps": 0.1}, note="neither")


LAYER_NORM = Row(
    "layer_norm",
    F.layer_norm,
    layer_norm_samples,
    torch=torch_functional("layer_norm"),
    grad=(0, 2, 3),
    tolerance=4.0,
    ops=("standardize",),
    bad=[
        Bad((np.zeros((2, 3)), (2,)), ShapeError, r"expected the last axes to be \[2\]"),
        Bad((np.zeros((2, 3)), (3,), np.zeros(2)), ShapeError, r"weight must have shape \[3\]"),
    ],
)
RMS_NORM = Row(
    "rms_norm",
    F.rms_norm,
    lambda rng, dtype: [
        Sample((normal(rng, (3, 4), dtype), (4,), normal(rng, (4,), dtype))),
        Sample((normal(rng, (2, 2, 3), dtype), (2, 3)), {"eps": 0.1}),
    ],
    torch=torch_functional("rms_norm"),
    grad=(0, 2),
    tolerance=4.0,
    ops=("standardize",),
    bad=[Bad((np.zeros((2, 3)), (2,)), ShapeError, r"expected the last axes to be \[2\]")],
)


def normalized(*args: Any, **kwargs: Any) -> Any:
    """The output alone: what is written to the running statistics has no derivative."""
    return batch_norm(*args, **kwargs)[0]


def batch_norm(
    x: Any, mean: Any, variance: Any, weight: Any = None, bias: Any = None, training: bool = True, momentum: float = 0.1
) -> Any:
    """The output and the running statistics, which are written to: on copies."""
    kept = [t.clone() if hasattr(t, "clone") else tg.Tensor(t.detach().numpy().copy()) for t in (mean, variance)]
    function = F.batch_norm if isinstance(x, tg.Tensor) else torch_functional("batch_norm")
    out = function(x, *kept, weight, bias, training, momentum)
    return (out, *kept)


def batch_norm_samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape in ((4, 3), (2, 3, 2)):
        running = (normal(rng, (3,), dtype), rng.uniform(0.5, 2, 3).astype(dtype))
        affine = (normal(rng, (3,), dtype), normal(rng, (3,), dtype))
        yield Sample((normal(rng, shape, dtype), *running, *affine), note="training")
        yield Sample((normal(rng, shape, dtype), *running), {"momentum": 0.5}, note="training, not affine")
        yield Sample((normal(rng, shape, dtype), *running, *affine), {"training": False}, note="evaluation")


BATCH_NORM = Row(
    "batch_norm",
    normalized,
    batch_norm_samples,
    torch=normalized,
    grad=(0, 3, 4),
    smooth=(0,),
    tolerance=8.0,
    ops=("standardize", "update_statistics"),
    bad=[
        Bad((np.zeros(3), np.zeros(3), np.ones(3)), ShapeError, r"expected \(N, C, ...\)"),
        Bad((np.zeros((1, 3)), np.zeros(3), np.ones(3)), ShapeError, r"more than one value per channel"),
    ],
)

BATCH_STATISTICS = Row(
    "update_statistics",
    lambda *args, **kwargs: batch_norm(*args, **kwargs)[1:],
    batch_norm_samples,
    torch=lambda *args, **kwargs: batch_norm(*args, **kwargs)[1:],
    grad=(),
    tolerance=8.0,
    ops=("update_statistics",),
)

# Classes.


ONE_HOT = Row(
    "one_hot",
    tg.one_hot,
    lambda rng, dtype: (
        [
            Sample((rng.integers(0, 3, shape).astype(dtype), 3), {"axis": axis}, note=f"{shape} {axis}")
            for shape, axis in (((), 0), ((4,), -1), ((2, 3), 1), ((0,), 0))
        ]
        + [Sample((np.array([0, 1, 2], dtype=dtype), 2), {"dtype": np.dtype(np.int64)}, note="one is no class")]
    ),
    numpy=lambda labels, n, axis=-1, dtype=np.float32: np.moveaxis(
        (labels[..., None] == np.arange(n)).astype(dtype), -1, axis
    ),
    dtypes=("int32", "int64", "uint8"),
    grad=(),
    ops=("one_hot",),
    bad=[
        Bad((np.array([0.5]), 3), DTypeError, r"labels must be integers"),
        Bad((np.array([0]), -1), ArgumentError, r"expected a number of classes, got -1"),
        Bad((np.array([0]), 3), AxisError, r"axis 2 is out of range", {"axis": 2}),
    ],
)

SHAPES = (((4, 3), -1), ((3,), 0), ((2, 3, 2), 1), ((2, 2, 3), 2), ((0, 3), 1), ((1, 1), 1))


def cross_entropy_samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape, axis in SHAPES:
        kept = shape[: axis % len(shape)] + shape[axis % len(shape) + 1 :]
        scores, labels = 3 * normal(rng, shape, dtype), rng.integers(0, shape[axis], kept)
        weight = rng.uniform(0.5, 2, shape[axis]).astype(dtype)
        for reduction in ("mean", "sum", "none"):
            yield Sample((scores, labels), {"axis": axis, "reduction": reduction}, note=f"{shape} {reduction}")
        yield Sample((scores, labels, weight), {"axis": axis}, note=f"{shape} weighted")
        yield Sample((scores, labels), {"axis": axis, "label_smoothing": 0.2}, note=f"{shape} smoothed")
        yield Sample((scores, labels, weight), {"axis": axis, "label_smoothing": 0.2}, note=f"{shape} both")
        if math.prod(kept) > 1:
            labels = np.where(np.arange(labels.size).reshape(kept) % 2, labels, -100)
            yield Sample((scores, labels), {"axis": axis}, note=f"{shape} some ignored")
            yield Sample((scores, labels, weight), {"axis": axis, "reduction": "none"}, note=f"{shape} weighted")
            yield Sample((scores, labels), {"axis": axis, "label_smoothing": 0.1}, note=f"{shape} smoothed, ignored")
    yield Sample((normal(rng, (3, 4), dtype), np.array([1, 0, 1], np.uint8)), {"ignore_index": 1}, note="ignored")
    yield Sample((normal(rng, (2, 3), dtype), np.array([-100, -100])), {"reduction": "sum"}, note="all ignored")


def soft_samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape, axis in (((4, 3), 1), ((2, 3, 2), 1), ((3,), 0)):
        scores = normal(rng, shape, dtype)
        target = rng.uniform(0, 1, shape).astype(dtype)
        weight = rng.uniform(0.5, 2, shape[axis]).astype(dtype)
        yield Sample((scores, target), note=f"{shape}")
        yield Sample((scores, target, weight), {"label_smoothing": 0.1, "reduction": "sum"})
        yield Sample((scores, target), {"reduction": "none"})


def torch_cross_entropy(scores: Any, target: Any, weight: Any = None, axis: int = -1, **options: Any) -> Any:
    scores = scores.movedim(axis, 1) if scores.ndim > 1 else scores
    return torch_functional("cross_entropy")(scores, target.long(), weight, **options)


Z, Y = np.zeros((2, 3)), np.array([0, 1])
CROSS_ENTROPY = Row(
    "softmax_cross_entropy",
    tg.softmax_cross_entropy,
    cross_entropy_samples,
    torch=torch_cross_entropy,
    tolerance=4.0,
    ops=("softmax_cross_entropy", "plain_cross_entropy", "softmax_cross_entropy_vjp", "label_weights", "one_hot"),
    special=[
        Sample((np.array([[INF, 0.0], [0.0, 0.0]]), np.array([1, 0])), note="inf"),
        Sample((np.array([[-INF, 0.0], [-INF, -INF]]), np.array([1, 0])), {"reduction": "none"}, note="-inf"),
        Sample((np.array([[-INF, 0.0]]), np.array([0])), note="no chance"),
        Sample((np.array([[NAN, 0.0], [1.0, 2.0]]), np.array([0, 1])), {"reduction": "none"}, note="nan"),
        Sample((np.array([[1e4, -1e4], [-1e4, 1e4]]), np.array([1, 1])), {"reduction": "none"}, note="far apart"),
    ],
    bad=[
        Bad((Z, np.array([0, 3])), LabelError, r"label 3 at position 1 is not one of 3 classes"),
        Bad((Z, np.array([-1, 3])), LabelError, r"label -1 at position 0 is not one of 3 classes"),
        Bad((Z, np.array([-100, 5])), LabelError, r"label 5 at position 1"),
        Bad((np.zeros((2, 3, 2)), np.full((2, 2), 9)), LabelError, r"label 9 at position \(0, 0\)", {"axis": 1}),
        Bad((Z, np.array([0, 1, 2])), ShapeError, r"labels must have shape \[2\]"),
        Bad((Z, Y, np.ones(2)), ShapeError, r"one number for each of 3 classes"),
        Bad((Z, np.array([True, False])), DTypeError, r"must be integers"),
        Bad((Z, np.zeros(2)), ShapeError, r"probabilities"),
        Bad((Z.astype(np.int64), Y), DTypeError, r"logits must be floating"),
        Bad((Z, Y), AxisError, r"axis 2 is out of range", {"axis": 2}),
        Bad((Z, Y), ArgumentError, r"reduction must be", {"reduction": "median"}),
        Bad((Z, Y), ArgumentError, r"label_smoothing must be between", {"label_smoothing": 2.0}),
    ],
)
SOFT_CROSS_ENTROPY = Row(
    "cross_entropy",
    F.cross_entropy,
    soft_samples,
    torch=torch_functional("cross_entropy"),
    grad=(0, 1),
    tolerance=4.0,
)


def nll_samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape in ((4, 3), (3,), (2, 3, 2), (0, 3)):
        scores, labels = normal(rng, shape, dtype), rng.integers(0, 3, shape[:1] + shape[2:] if len(shape) > 1 else ())
        weight = rng.uniform(0.5, 2, 3).astype(dtype)
        for reduction in ("mean", "sum", "none"):
            yield Sample((scores, labels), {"reduction": reduction}, note=f"{shape} {reduction}")
            yield Sample((scores, labels, weight), {"reduction": reduction}, note=f"{shape} {reduction}, weighted")
        if len(shape) > 1:
            yield Sample((scores, labels, weight), {"ignore_index": 1, "reduction": "sum"}, note=f"{shape} 1 ignored")


NLL = Row(
    "nll_loss",
    F.nll_loss,
    nll_samples,
    torch=torch_functional("nll_loss"),
    ops=("pick_class", "pick_class_vjp", "label_weights"),
    bad=[Bad((Z, np.array([0, 3])), LabelError, r"label 3 at position 1 is not one of 3 classes")],
)
PICK = Row(
    "pick_class",
    lambda x, labels, axis=1: pick_class(x, labels, axis=axis, ignore_index=-100),
    lambda rng, dtype: [
        Sample((normal(rng, (3, 2), dtype), np.array([0, 1, 1]))),
        Sample((normal(rng, (3, 2), dtype), np.array([0, -100, 1])), note="ignored"),
        Sample((np.array([[-INF, 1.0], [2.0, NAN]], dtype=dtype), np.array([1, 0])), note="none used"),
    ][: 3 if dtype == "float32" else 2],
    ops=("pick_class", "pick_class_vjp"),
    bad=[
        Bad((Z, Y.astype(float)), DTypeError, r"labels must be integers"),
        Bad((Z, np.array([[0]])), ShapeError, r"labels must have shape"),
    ],
)

# Losses over numbers.


def pairs(low: float, high: float, target_low: float, target_high: float) -> Callable[..., Iterator[Sample]]:
    def samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
        for shape in ((), (3,), (2, 3), (0,), (2, 1)):
            x = rng.uniform(low, high, shape).astype(dtype)
            z = rng.uniform(target_low, target_high, shape).astype(dtype)
            yield Sample((x, z), note=f"{shape}")

    return samples


def elementwise_of(name: str) -> Callable[..., Any]:
    return lambda x, z: torch_functional(name)(*broadcast(x, z), reduction="none")


def broadcast(x: Any, z: Any) -> Any:
    import torch

    return torch.broadcast_tensors(x, z)


BCE = Row(
    "binary_cross_entropy",
    loss.binary_cross_entropy,
    pairs(0.1, 0.9, 0.0, 1.0),
    numpy=lambda x, z: -(z * np.log(x) + (1 - z) * np.log1p(-x)),
    torch=elementwise_of("binary_cross_entropy"),
    grad=(0, 1),
    ops=("binary_cross_entropy",),
    elementwise=True,
    bad=[Bad((np.zeros(2), np.zeros(3)), ShapeError, r"do not broadcast")],
)
BCE_LOGITS = Row(
    "binary_cross_entropy_with_logits",
    loss.binary_cross_entropy_with_logits,
    pairs(-3.0, 3.0, 0.0, 1.0),
    numpy=lambda x, z: np.maximum(x, 0) - x * z + np.log1p(np.exp(-np.abs(x))),
    torch=elementwise_of("binary_cross_entropy_with_logits"),
    grad=(0, 1),
    ops=("binary_cross_entropy_with_logits",),
    elementwise=True,
    special=[Sample((np.array([0.0, 1000.0, -1000.0, 1000.0, NAN]), np.array([0.5, 1.0, 0.0, 0.0, 1.0])), note="far")],
    bad=[Bad((np.zeros(2), np.zeros(3)), ShapeError, r"do not broadcast")],
)

# Steps of optimizers, on copies.


def stepped(call: Callable[..., Any], state: int, **settings: Any) -> Callable[..., Any]:
    """The op's call on copies of parameter and state (and a fresh count of steps where it has one): what it wrote."""

    def run(*tensors: Any) -> Any:
        kept = [tg.copy(t.detach()) for t in tensors[: state + 1]]
        counted = [tg.zeros(())] if "step" in call.op.inputs else []
        written = call(*kept, *counted, tensors[state + 1], 0.125, **settings)
        return [t for t in (written if isinstance(written, tuple) else (written,)) if t.ndim or not counted]

    return run


def step_samples(state: int) -> Callable[..., Iterator[Sample]]:
    def samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
        for shape in ((3,), (2, 3), (0,), (1, 2)):
            yield Sample(
                (
                    normal(rng, shape, dtype),
                    *(rng.uniform(0, 1, shape).astype(dtype) for _ in range(state)),
                    normal(rng, shape, dtype),
                )
            )

    return samples


def update(call: Callable[..., Any], state: int, numpy: Callable[..., Any] | None = None, **settings: Any) -> Row:
    misfit = (*(np.zeros(2) for _ in range(state + 1)), np.zeros(3))
    return Row(
        call.op.name,
        stepped(call, state, **settings),
        step_samples(state),
        numpy=numpy,
        grad=(),
        ops=(call.op.name,),
        bad=[Bad(misfit, ShapeError, r"expected the parameter's shape \[2\], got \[3\]")],
        tolerance=4.0,
    )


def _updates() -> list[Row]:
    from tensorgrad.ops import optimize

    adam = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1, "decoupled": True, "maximize": False}
    return [
        update(optimize.sgd, 0, lambda p, g: p - 0.125 * (g + 0.5 * p), weight_decay=0.5, maximize=False),
        update(
            optimize.momentum,
            1,
            lambda p, v, g: [p - 0.125 * (0.5 * v + g), 0.5 * v + g],
            momentum=0.5,
            dampening=0.0,
            weight_decay=0.0,
            nesterov=False,
            maximize=False,
        ),
        update(optimize.adam, 2, **adam),
        update(optimize.amsgrad, 3, **adam),
        update(optimize.adagrad, 1, lr_decay=0.0, eps=1e-8, weight_decay=0.0, maximize=False),
        update(
            optimize.rmsprop, 3, alpha=0.9, eps=1e-8, momentum=0.5, centered=False, weight_decay=0.0, maximize=False
        ),
    ]


ROWS = [
    LINEAR, EMBEDDING, STANDARDIZE, STATISTICS, LAYER_NORM, RMS_NORM, BATCH_NORM, BATCH_STATISTICS, ONE_HOT,
    CROSS_ENTROPY, SOFT_CROSS_ENTROPY, NLL, PICK, BCE, BCE_LOGITS, *_updates(),
]  # fmt: skip
