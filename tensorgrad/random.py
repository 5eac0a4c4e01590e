"""Random numbers under one name: ``tg.random.rand``, ``tg.random.Generator``, ``tg.random.permutation`` ...

How the numbers are made, and the exact layout of their stream, stands in ``tensorgrad/ops/random.py``.
"""

from .core.generator import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .ops.random import dropout, rand, rand_like, randint, randn, randn_like, randperm
from .ops.sampling import bernoulli, choice, multinomial, normal, permutation, uniform

__all__ = [
    "Generator",
    "bernoulli",
    "choice",
    "default_generator",
    "dropout",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "multinomial",
    "normal",
    "permutation",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
    "uniform",
]
