"""Trading time for memory: run a function without keeping what its derivative needs, and run it again in the backward.

Chen et al., "Training deep nets with sublinear memory cost", 2016.
"""

from __future__ import annotations
