"""Elementwise arithmetic and functions. Rules are linear in ``g`` and serve as vjp and jvp alike."""

from __future__ import annotations

from ..define import elementwise

add = elementwise("add", "``a + b``.", a=lambda m, g: g, b=lambda m, g: g)
subtract = elementwise("subtract", "``a - b``.", a=lambda m, g: g, b=lambda m, g: -g)
multiply = elementwise("multiply", "``a * b``.", a=lambda m, g, b: g * b, b=lambda m, g, a: g * a)
divide = elementwise(
    "divide", "``a / b``.", kind="float", a=lambda m, g, b: g / b, b=lambda m, g, b, out: -g * out / b
)
negative = elementwise("negative", "``-x``.", x=lambda m, g: -g)
where = elementwise(
    "where",
    "``a`` where ``condition`` holds, else ``b``.",
    inputs="c a b",
    kind="condition",
    a=lambda m, g, c: m.where(c, g, 0),
    b=lambda m, g, c: m.where(c, 0, g),
)
exp = elementwise("exp", "The exponential.", kind="float", x=lambda m, g, out: g * out)
log = elementwise("log", "The natural logarithm.", kind="float", x=lambda m, g, x: g / x)
sin = elementwise("sin", "Sine.", kind="float", x=lambda m, g, x: g * m.cos(x))
cos = elementwise("cos", "Cosine.", kind="float", x=lambda m, g, x: -g * m.sin(x))
equal = elementwise("equal", "``a == b``.", inputs="a b", kind="bool")
not_equal = elementwise("not_equal", "``a != b``.", inputs="a b", kind="bool")
less = elementwise("less", "``a < b``.", inputs="a b", kind="bool")
less_equal = elementwise("less_equal", "``a <= b``.", inputs="a b", kind="bool")
greater = elementwise("greater", "``a > b``.", inputs="a b", kind="bool")
greater_equal = elementwise("greater_equal", "``a >= b``.", inputs="a b", kind="bool")
