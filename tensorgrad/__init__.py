"""tensorgrad: gradients for people who think in NumPy and CuPy."""

from importlib import import_module as _import
from pkgutil import iter_modules as _modules

from . import autograd, backends, errors, ops
from ._version import __version__
from .array_api import *
from .autodiff.checkpoint import checkpoint
from .autodiff.functional import grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp
from .backends import Device
from .core.tensor import Tensor
from .errors import *
from .modes import *
from .op import FUNCTIONS as _FUNCTIONS
from .op import OPS as _OPS

for _module in _modules(ops.__path__):
    _import(f".ops.{_module.name}", __name__)
from .attach import attach  # noqa: E402

attach()


def __getattr__(name):  # until the names are written out
    if name == "bfloat16":
        from .dtypes import to_dtype

        return to_dtype(name)
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    if name in _OPS:
        return _OPS[name].call
    if name.startswith("_"):
        raise AttributeError(name)
    return _import(f".{name}", __name__)
