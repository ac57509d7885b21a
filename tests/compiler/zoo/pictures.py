"""Pictures of ten kinds: stripes of a direction and width in a colour, over a spot and noise."""

import math

import numpy as np

from apollo.workloads.model import Values
from apollo.workloads.shapes import Shape

KINDS = 10


def pictures(shape: Shape, count: int, seed: int) -> tuple[list[Values], Values]:
    """So many pictures [1, channels, rows, columns], and the kind of each."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, KINDS, count)
    return [_picture(random, int(kind), shape) for kind in kinds], kinds


def _picture(random: np.random.Generator, kind: int, shape: Shape) -> Values:
    _, channels, rows, columns = shape
    y, x = np.mgrid[0:rows, 0:columns] / max(rows, columns)
    angle = math.pi * kind / KINDS + random.normal(0, 0.02)
    along = x * math.cos(angle) + y * math.sin(angle) + random.normal(0, 0.01)
    stripes = np.sin(2 * math.pi * (2 + kind % 3) * along)
    tint = np.cos(2 * math.pi * (kind / KINDS + np.arange(channels) / channels))
    centre = random.random(2)
    spot = np.exp(-20 * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2))
    picture = 0.5 * tint[:, None, None] + stripes * (1 + 0.5 * tint[:, None, None])
    picture = picture + 0.2 * random.normal(0, 1) * spot + 0.05 * random.normal(0, 1, picture.shape)
    return picture[None].astype(np.float32)
