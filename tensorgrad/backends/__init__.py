"""Where arrays live and what computes them.

A backend is found by the type of an array and imported only when an array of its library is at hand or its device
is asked for.
"""

from .base import Backend, Device
from .registry import available, backend_of, find, parse_device

__all__ = ["Backend", "Device", "available", "backend_of", "find", "parse_device"]
