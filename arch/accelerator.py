"""The accelerator: every parameter of the machine, as one value that cannot be wrong.

A chip is `pes_x` x `pes_y` processing elements (PEs). A PE has `cores` cores and one PE memory;
a core has a core memory and `lanes` lanes, each a 4-way int8 multiply-accumulate a cycle
(docs/machine.md, M1). Designs are TOML files with exactly these field names.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from apollo.arch import technology
from apollo.arch.text import suggestion

MACS_PER_LANE = 4
BURST_BYTES = 256  # one DRAM burst, one staging slot, one bus packet (M4)
# An instruction may straddle two bursts, so the ring must hold two (M3).
_LEAST_BURSTS = {
    "activation_memory_bytes": 1,
    "parameter_memory_bytes": 1,
    "instruction_memory_bytes": 2,
}
# Far above anything buildable, so that counts of cycles and bytes stay far inside 64 bits.
_MOST = {
    **dict.fromkeys(("pes_x", "pes_y", "lanes", "cores"), 1 << 10),
    "clock_mhz": 100_000,
    "dram_latency_ns": 100_000,
}
_MOST_OF_OTHERS = 1 << 36
DESIGNS = Path(__file__).parent / "designs"


@dataclass(frozen=True)
class Accelerator:
    """One design.

    Raises `ValueError` when a field is not a positive integer or is too large to count with, or
    when a memory or bandwidth breaks a rule of the machine (M3, M5).
    """

    name: str
    pes_x: int
    pes_y: int
    lanes: int  # per core
    cores: int  # per PE
    pe_memory_bytes: int  # per PE
    core_memory_bytes: int  # per core
    activation_memory_bytes: int  # staging, per chip
    instruction_memory_bytes: int  # ring, per chip
    parameter_memory_bytes: int  # staging, per chip
    dram_gb_per_s: int  # 1e9 bytes per second, before efficiency
    clock_mhz: int = 800
    dram_latency_ns: int = technology.DRAM_LATENCY_NS
    activation_bus_bytes: int = technology.BUS_BYTES  # per cycle
    parameter_bus_bytes: int = technology.BUS_BYTES  # per cycle

    def __post_init__(self) -> None:
        """Check every field."""
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"Design '{self.name}': {field.name} must be a positive integer, not {value!r}."
                )
            most = _MOST.get(field.name, _MOST_OF_OTHERS)
            if value > most:
                raise ValueError(
                    f"Design '{self.name}': {field.name} must be at most {most:,}, not {value:,}."
                )
        for name, bursts in _LEAST_BURSTS.items():
            if getattr(self, name) < bursts * BURST_BYTES:
                raise ValueError(
                    f"Design '{self.name}': {name} must be at least {bursts * BURST_BYTES} bytes "
                    f"({bursts} x the DRAM burst), not {getattr(self, name)}."
                )
        if self.dram_bytes_per_cycle > BURST_BYTES:
            raise ValueError(
                f"Design '{self.name}': dram_gb_per_s must be at most one burst of {BURST_BYTES} "
                f"bytes a cycle, not {float(self.dram_bytes_per_cycle):.1f} bytes a cycle."
            )

    @property
    def pes(self) -> int:
        """PEs on the chip."""
        return self.pes_x * self.pes_y

    @property
    def peak_macs_per_cycle(self) -> int:
        """Multiply-accumulates a cycle when every lane works."""
        return self.pes * self.cores * self.lanes * MACS_PER_LANE

    @property
    def peak_tops(self) -> float:
        """Peak int8 operations (two a multiply-accumulate), 1e12 per second."""
        return 2 * self.peak_macs_per_cycle * self.clock_mhz / 1e6

    @property
    def dram_bytes_per_cycle(self) -> Fraction:
        """Sustained DRAM bytes a cycle, exact: bandwidth over clock times efficiency (M5)."""
        return Fraction(self.dram_gb_per_s * 1000, self.clock_mhz) * technology.DRAM_EFFICIENCY

    @property
    def dram_latency_cycles(self) -> int:
        """Cycles from the start of a burst to the arrival of its data."""
        return math.ceil(self.dram_latency_ns * self.clock_mhz / 1000)


def _from_fields(table: Mapping[str, Any], where: str) -> Accelerator:
    known = [field.name for field in fields(Accelerator)]
    for name in table:
        if name not in known:
            raise ValueError(
                f"{where}: '{name}' is not a field of a design.{suggestion(name, known)}"
            )
    missing = [name for name in known[:11] if name not in table]
    if missing:
        raise ValueError(f"{where}: a design must give {', '.join(missing)}.")
    return Accelerator(**table)


def preset_names() -> list[str]:
    """Names of the designs shipped with the product."""
    return sorted(path.stem for path in DESIGNS.glob("*.toml"))


def load_design(name_or_path: str) -> Accelerator:
    """The preset of that name, or the design in that TOML file.

    Raises `ValueError`, one sentence, when there is none or when the file is not a design.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = DESIGNS / f"{name_or_path}.toml"
        if name_or_path not in preset_names():
            raise ValueError(
                f"There is no design '{name_or_path}' (known: {', '.join(preset_names())}; "
                f"or the path of a .toml file).{suggestion(name_or_path, preset_names())}"
            )
    if not path.is_file():
        raise ValueError(f"There is no design file '{name_or_path}'.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ValueError(f"Design file '{name_or_path}' is not readable TOML: {error}.") from None
    return _from_fields({"name": path.stem} | table, f"Design file '{path.name}'")


def design_text(accelerator: Accelerator) -> str:
    """A design as the TOML that `load_design` reads; its name is the file's."""
    values = ((field.name, getattr(accelerator, field.name)) for field in fields(accelerator)[1:])
    return "".join(f"{name} = {value}\n" for name, value in values)
