"""The systolic array: weights in, products into accumulators, results out (M21).

Such a chip has one PE with one core. `R` rows, `C` columns of the array.
"""

import numpy as np

from apollo.arch.operands import RECORD_BYTES, ComputeFlag, Drain, Matmul, Shift
from apollo.arch.touched import SUM_BYTES, Operands, width_of, window_elements
from apollo.simulator.functional.machine import Ints, Machine, read, write
from apollo.simulator.functional.requantise import records, requantise, wrap
from apollo.simulator.functional.shares import result_address, window_elements_at
from apollo.simulator.functional.windows import taps

_ALL = slice(None)


def _weights(machine: Machine, o: Operands, rows: int) -> Ints:
    """Weights [rows, OUT_CHANNELS] in core memory."""
    width = width_of(o, ComputeFlag.WIDE_SECOND)
    row = o[Shift.PARAMETERS] + np.arange(rows) * o[Shift.PARAMETER_PITCH]
    address = row[:, None] + np.arange(o[Shift.OUT_CHANNELS]) * width
    weights: Ints = read(machine.core_memory[0], address, width)[0]
    return weights


def shift_weights(machine: Machine, o: Operands) -> None:
    """`SHIFT_WEIGHTS`: a tile into a weight buffer, zeros around it."""
    rows, columns = o[Shift.IN_CHANNELS], o[Shift.OUT_CHANNELS]
    buffer = machine.weight_buffers[o[Shift.BUFFER]]
    buffer[:] = 0
    buffer[:rows, :columns] = _weights(machine, o, rows)


def matmul(machine: Machine, o: Operands) -> None:
    """`MATMUL`: windows times the weights of a buffer, or times weights that stream past."""
    numbers = np.arange(o[Matmul.ROWS] * o[Matmul.COLUMNS])
    inputs, columns = o[Matmul.IN_CHANNELS], o[Matmul.OUT_CHANNELS]
    if o[Matmul.FLAGS] & ComputeFlag.OUTPUT_STATIONARY:
        weights = _weights(machine, o, window_elements(o))
    else:
        weights = machine.weight_buffers[o[Matmul.BUFFER], :, :columns]
    sums = np.zeros((len(numbers), columns), np.int64)
    for index, tap in enumerate(taps(o)):
        source = window_elements_at(machine, o, tap, numbers, np.arange(inputs))[0]
        of_tap = weights[index * inputs : (index + 1) * inputs]
        # Exact: the products of a tap stay below 2^53.
        sums += (source.astype(np.float64) @ of_tap.astype(np.float64)).astype(np.int64)
    first = o[Matmul.ACCUMULATOR]
    rows = machine.accumulators[first : first + len(numbers), :columns]
    rows[:] = wrap(sums + rows if o[Matmul.FLAGS] & ComputeFlag.ACCUMULATE else sums)


def drain(machine: Machine, o: Operands) -> None:
    """`DRAIN`: accumulator rows to PE memory, requantised or as they are."""
    numbers = np.arange(o[Drain.ROWS] * o[Drain.COLUMNS])
    columns, first = o[Drain.OUT_CHANNELS], o[Drain.ACCUMULATOR]
    sums = machine.accumulators[None, first : first + len(numbers), :columns]
    address = result_address(o, numbers, np.arange(columns))
    if o[Drain.FLAGS] & ComputeFlag.PARTIAL:
        write(machine.pe_memory, _ALL, address, sums, SUM_BYTES)
        return
    count = 1 if o[Drain.FLAGS] & ComputeFlag.UNIFORM else columns
    raw = machine.core_memory[0, 0, o[Drain.PARAMETERS] :][: RECORD_BYTES * count]
    values = requantise(sums, records(raw.reshape(1, count, RECORD_BYTES)), o)
    write(machine.pe_memory, _ALL, address, values, width_of(o, ComputeFlag.WIDE_DESTINATION))
