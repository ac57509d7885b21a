"""Units of time: costs are in nanoseconds, people read milliseconds."""

NS_PER_MS = 1_000_000
