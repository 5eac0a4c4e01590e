"""tensorgrad: gradients for people who think in NumPy and CuPy."""

from ._version import __version__
from .attach import attach

attach()
