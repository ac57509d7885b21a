"""Blocks: neighbouring factors that are kept or removed together.

A block spans `channels` output channels by `inputs` input channels of one tap. Its score is the
mean of the magnitudes in it, so that a smaller block at an edge competes on equal terms. For
blocks of one size this is the order of their L1 norms.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apollo.workloads.shapes import Shape
from apollo.workloads.sparsity.layers import Bools

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

LARGEST = 64


@dataclass(frozen=True)
class Block:
    """The size of a block; 1x1 removes single factors.

    Attributes:
        channels: output channels.
        inputs: input channels.

    """

    channels: int = 1
    inputs: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.channels <= LARGEST and 1 <= self.inputs <= LARGEST):
            raise ValueError(f"A block must have 1..{LARGEST} channels and inputs, not {self}.")

    def __str__(self) -> str:
        return f"{self.channels}x{self.inputs}"

    @classmethod
    def parse(cls, text: str) -> "Block":
        """The block written as CHANNELSxINPUTS, such as 1x4."""
        if not re.fullmatch(r"\d{1,3}x\d{1,3}", text):
            raise ValueError(f"A block must be CHANNELSxINPUTS, such as 1x4 or 4x1, not {text!r}.")
        channels, inputs = map(int, text.split("x"))
        return cls(channels, inputs)

    @property
    def size(self) -> int:
        """Factors of a block."""
        return self.channels * self.inputs

    @property
    def is_single(self) -> bool:
        """Whether every factor is a block of its own."""
        return self.size == 1


def scores(magnitudes: Floats, block: Block) -> Floats:
    """Score of every block [rows of blocks, taps, blocks in a row]."""
    if block.is_single:
        return magnitudes
    channels, taps, inputs = magnitudes.shape
    rows, columns = -(-channels // block.channels), -(-inputs // block.inputs)
    padded = np.zeros((rows * block.channels, taps, columns * block.inputs), np.float32)
    padded[:channels, :, :inputs] = magnitudes
    total: Floats = padded.reshape(rows, block.channels, taps, columns, block.inputs).sum(
        axis=(1, 4)
    )
    total /= sizes(magnitudes.shape, block)
    return total


def is_divided(shape: Shape, block: Block) -> bool:
    """Whether all blocks of [channels, taps, inputs] have the same size."""
    return shape[0] % block.channels == 0 and shape[2] % block.inputs == 0


def sizes(shape: Shape, block: Block) -> Ints:
    """Number of factors of every block of [channels, taps, inputs], as `scores` orders them."""
    heights, widths = _extents(shape[0], block.channels), _extents(shape[2], block.inputs)
    area = (heights[:, None] * widths)[:, None, :]
    return np.repeat(area, shape[1], axis=1)


def spread(kept: Bools, block: Block, channels: int, inputs: int) -> Bools:
    """What is kept by block as [channels, taps, inputs]."""
    if block.is_single:
        return kept
    wide = np.repeat(np.repeat(kept, block.channels, axis=0), block.inputs, axis=2)
    return wide[:channels, :, :inputs]


def _extents(size: int, step: int) -> Ints:
    """Lengths of the blocks along a dimension; the last may be shorter."""
    starts = np.arange(0, size, step)
    return np.minimum(step, size - starts)
