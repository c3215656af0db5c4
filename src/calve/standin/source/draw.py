"""Chance that repeats: the same seed, day and purpose give the same numbers, whatever was drawn before.

Never draws from a shared or global generator, so that no day depends on which other days were generated.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from calve.standin.source.clock import Ints

Floats = NDArray[np.float64]

_DAY_SHIFT = 1 << 20


def draws(seed: int, day: int, purpose: str) -> np.random.Generator:
    """Return the numbers of one purpose on one day. Use only `.random`, whose stream is stable."""
    return np.random.Generator(np.random.PCG64([seed, day + _DAY_SHIFT, zlib.crc32(purpose.encode())]))


def spread(rng: np.random.Generator, n: int) -> Floats:
    """Return `n` numbers in [0, 1) in random order, one in each n-th part: no luck in their distribution."""
    ranks = np.argsort(rng.random(n), kind="stable")
    even: Floats = (ranks + rng.random(n)) / max(n, 1)
    return even


def pick(shares: Floats, at: Floats) -> Ints:
    """Return for each number in [0, 1) the position whose cumulated share covers it."""
    bounds = np.cumsum(shares / shares.sum())
    found: Ints = np.minimum(np.searchsorted(bounds, at, side="right"), len(shares) - 1)
    return found


def digests(seed: int, keys: Ints, purpose: str) -> NDArray[np.uint64]:
    """Return one 64-bit digest per key (splitmix64), different for each purpose."""
    salt = np.uint64((seed * 0x9E3779B97F4A7C15 + zlib.crc32(purpose.encode())) & 0xFFFFFFFFFFFFFFFF)
    with np.errstate(over="ignore"):
        mixed = (keys.astype(np.uint64) + salt) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def shares(seed: int, keys: Ints, purpose: str) -> Floats:
    """Return one number in [0, 1) per key."""
    even: Floats = (digests(seed, keys, purpose) >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    return even
