"""Rows of tables, copied: not inlined, so that the loop is compiled for itself and with vectors."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_kernel

Ints = npt.NDArray[np.int64]


@bare_kernel
def copy_row(row: Ints, row_out: Ints) -> None:
    """Copy all columns of a row."""
    for column in range(len(row)):
        row_out[column] = row[column]
