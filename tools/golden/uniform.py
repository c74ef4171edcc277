"""Numbers that the generators and the golden tests make alike."""

import numpy as np


def uniform(name, count):
    """`count` numbers in -1..1: the finalizer of MurmurHash3 over position + FNV-1a hash of the name."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 % 2**32
    h = np.arange(count, dtype=np.uint32) + np.uint32(seed)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h.astype(np.float64) / 2.0**31 - 1.0
