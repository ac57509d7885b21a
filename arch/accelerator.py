"""The accelerator: every parameter of the machine, as one value that cannot be wrong.

A chip is `pes_x` x `pes_y` processing elements (PEs). A PE has `cores` cores and one PE memory;
a core has a core memory and `lanes` lanes, each a 4-way int8 multiply-accumulate a cycle
(docs/machine.md, M1). Designs are TOML files with exactly these field names.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from apollo.arch import technology
from apollo.arch.constants import DEFAULT
from apollo.arch.text import suggestion
from apollo.arch.toml_file import read_table
from apollo.plugins import Group, calling, load, names, wrong

MACS_PER_LANE = 4
STREAMS = ("FETCH", "PARAM", "ACT", "STORE")  # of DRAM and host link, in round-robin order (M6)
BURSTS = (16, 32, 64, 128, 256)
LARGEST_INSTRUCTION_BYTES = 64
DRAM_TYPES = (*DEFAULT.dram_pj_per_bit, technology.ON_CHIP)
HOST_TYPES = ("PCIe", technology.ON_CHIP)
DESIGNS = Path(__file__).parent / "designs"
# Far above anything buildable, so that counts of cycles and bytes stay far inside 64 bits.
_MOST = {
    **dict.fromkeys(("pes_x", "pes_y", "lanes", "cores", "array_rows", "array_columns"), 1 << 10),
    **dict.fromkeys(("clock_mhz", "dram_latency_ns", "host_latency_ns"), 100_000),
    **dict.fromkeys(("dram_efficiency_percent", "host_efficiency_percent"), 100),
    "accumulator_rows": 1 << 20,
    "technology_nm": 130,
    # An address on the chip must fit its field in an instruction (M31).
    **dict.fromkeys(("pe_memory_bytes", "core_memory_bytes"), 1 << 28),
    "instruction_memory_bytes": 1 << 18,  # never 8,192 instructions (M31)
}
_MOST_OF_OTHERS = 1 << 36
_MAY_BE_ZERO = ("array_rows", "array_columns", "accumulator_rows", "host_gb_per_s")


class Channel(NamedTuple):
    """A way off the chip: the DRAM channel or the host link (M5)."""

    streams: tuple[str, ...]
    bytes_per_cycle: Fraction  # sustained
    latency_cycles: int  # from the start of a burst to the arrival of its data


@dataclass(frozen=True)
class Accelerator:
    """One design.

    Raises `ValueError` when a field has a wrong type or is too large to count with, or when a
    memory, bandwidth or unit breaks a rule of the machine (M3, M5, M21).
    """

    name: str
    pes_x: int
    pes_y: int
    lanes: int  # per core; of the vector unit beside a systolic array
    cores: int  # per PE
    pe_memory_bytes: int  # per PE
    core_memory_bytes: int  # per core
    activation_memory_bytes: int  # staging, per chip
    instruction_memory_bytes: int  # ring, per chip
    parameter_memory_bytes: int  # staging, per chip
    dram_gb_per_s: int  # 1e9 bytes per second, before efficiency
    clock_mhz: int = 800
    burst_bytes: int = 256  # one DRAM burst, one staging slot, one bus packet (M4)
    dram: str = "LPDDR4"
    dram_latency_ns: int = technology.DRAM_LATENCY_NS
    dram_efficiency_percent: int = technology.DRAM_EFFICIENCY_PERCENT
    activation_bus_bytes: int = technology.BUS_BYTES  # per cycle
    parameter_bus_bytes: int = technology.BUS_BYTES  # per cycle
    array_rows: int = 0  # of the systolic array (M21); 0 where lanes compute
    array_columns: int = 0
    accumulator_rows: int = 0  # each of `array_columns` int32
    host: str = "PCIe"
    host_gb_per_s: int = 0  # 0 where there is no host link
    host_latency_ns: int = technology.HOST_LATENCY_NS
    host_efficiency_percent: int = technology.HOST_EFFICIENCY_PERCENT
    host_streams: tuple[str, ...] = ()  # that use the link and not the DRAM
    technology_nm: int = 7

    def __post_init__(self) -> None:
        """Check every field."""
        if not isinstance(self.name, str):
            raise ValueError(f"The name of a design must be text, not {self.name!r}.")
        for field in fields(self)[1:]:
            if field.type == "int" or field.type is int:
                self._check_count(field.name, getattr(self, field.name))
        self._check_choice("burst_bytes", self.burst_bytes, BURSTS)
        self._check_choice("dram", self.dram, DRAM_TYPES)
        self._check_choice("host", self.host, HOST_TYPES)
        self._check_choice("technology_nm", self.technology_nm, technology.NODES_NM)
        self._check_streams()
        self._check_memories()
        self._check_array()
        for channel, name in zip(self.channels, ("dram_gb_per_s", "host_gb_per_s"), strict=False):
            if channel.bytes_per_cycle > self.burst_bytes:
                raise self._error(
                    f"{name} must be at most one burst of {self.burst_bytes} bytes a cycle, "
                    f"not {float(channel.bytes_per_cycle):.1f} bytes a cycle"
                )

    def _check_streams(self) -> None:
        if not isinstance(self.host_streams, list | tuple):
            raise self._error(f"host_streams must be a list, not {self.host_streams!r}")
        for stream in self.host_streams:
            self._check_choice("host_streams", stream, STREAMS)
        in_order = tuple(stream for stream in STREAMS if stream in self.host_streams)
        object.__setattr__(self, "host_streams", in_order)
        if bool(self.host_gb_per_s) != bool(self.host_streams):
            raise self._error("host_gb_per_s and host_streams must be given together")

    def _check_memories(self) -> None:
        # An instruction may straddle bursts, so the ring must hold one more than it fills (M3).
        for name, least in (
            ("activation_memory_bytes", self.burst_bytes),
            ("parameter_memory_bytes", self.burst_bytes),
            (
                "instruction_memory_bytes",
                self.burst_bytes + max(self.burst_bytes, LARGEST_INSTRUCTION_BYTES),
            ),
        ):
            if getattr(self, name) < least:
                raise self._error(
                    f"{name} must be at least {least} bytes (bursts of {self.burst_bytes}), "
                    f"not {getattr(self, name)}"
                )

    def _check_array(self) -> None:
        systolic = (self.array_rows, self.array_columns, self.accumulator_rows)
        if any(systolic) and not all(systolic):
            raise self._error(
                "array_rows, array_columns and accumulator_rows must be given together"
            )
        if any(systolic) and self.pes * self.cores > 1:
            raise self._error("a systolic array must be the only core of the only PE")

    def _error(self, what: str) -> ValueError:
        return ValueError(f"Design '{self.name}': {what}.")

    def _check_count(self, name: str, value: object) -> None:
        least, kind = (0, "an integer of at least 0") if name in _MAY_BE_ZERO else (1, "")
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self._error(f"{name} must be {kind or 'a positive integer'}, not {value!r}")
        most = _MOST.get(name, _MOST_OF_OTHERS)
        if value > most:
            raise self._error(f"{name} must be at most {most:,}, not {value:,}")

    def _check_choice(self, name: str, value: object, choices: Sequence[object]) -> None:
        if value not in choices:
            known = ", ".join(str(choice) for choice in choices)
            raise self._error(f"{name} must be one of {known}, not {value!r}")

    @property
    def pes(self) -> int:
        """PEs on the chip."""
        return self.pes_x * self.pes_y

    @property
    def is_systolic(self) -> bool:
        """Whether a systolic array computes, and not lanes."""
        return self.array_rows > 0

    @property
    def peak_macs_per_cycle(self) -> int:
        """Multiply-accumulates a cycle when every lane, or cell of the array, works."""
        if self.is_systolic:
            return self.array_rows * self.array_columns
        return self.pes * self.cores * self.lanes * MACS_PER_LANE

    @property
    def peak_tops(self) -> float:
        """Peak int8 operations (two a multiply-accumulate), 1e12 per second."""
        return 2 * self.peak_macs_per_cycle * self.clock_mhz / 1e6

    @property
    def dram_bytes_per_cycle(self) -> Fraction:
        """Sustained DRAM bytes a cycle, exact: bandwidth over clock times efficiency (M5)."""
        efficiency = Fraction(self.dram_efficiency_percent, 100)
        return Fraction(self.dram_gb_per_s * 1000, self.clock_mhz) * efficiency

    @property
    def dram_latency_cycles(self) -> int:
        """Cycles from the start of a DRAM burst to the arrival of its data."""
        return math.ceil(self.dram_latency_ns * self.clock_mhz / 1000)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The DRAM channel, and the host link if there is one; each stream uses one of them."""
        on_dram = tuple(stream for stream in STREAMS if stream not in self.host_streams)
        dram = Channel(on_dram, self.dram_bytes_per_cycle, self.dram_latency_cycles)
        if not self.host_gb_per_s:
            return (dram,)
        rate = Fraction(self.host_gb_per_s * 1000, self.clock_mhz)
        latency = math.ceil(self.host_latency_ns * self.clock_mhz / 1000)
        sustained = rate * Fraction(self.host_efficiency_percent, 100)
        return dram, Channel(self.host_streams, sustained, latency)


def _from_fields(table: Mapping[str, Any], where: str) -> Accelerator:
    known = [field.name for field in fields(Accelerator)]
    for name in table:
        if name not in known:
            raise ValueError(
                f"{where}: '{name}' is not a field of a design.{suggestion(name, known)}"
            )
    missing = [field.name for field in fields(Accelerator) if field.default is MISSING]
    missing = [name for name in missing if name not in table]
    if missing:
        raise ValueError(f"{where}: a design must give {', '.join(missing)}.")
    return Accelerator(**table)


def preset_names() -> list[str]:
    """Names of the designs shipped with the product."""
    return sorted(path.stem for path in DESIGNS.glob("*.toml"))


def design_names() -> list[str]:
    """Names of the presets, and of the designs of plug-ins."""
    return [*preset_names(), *(n for n in names(Group.DESIGNS) if n not in preset_names())]


def lane_presets() -> list[Accelerator]:
    """The shipped designs whose PEs compute in lanes."""
    designs = (load_design(name) for name in preset_names())
    return [design for design in designs if not design.is_systolic]


def load_design(name_or_path: str) -> Accelerator:
    """The preset of that name, the design of a plug-in, or the one in that TOML file.

    Raises `ValueError`, one sentence, when there is none or when the file is not a design.
    """
    file: str | Path = name_or_path
    if Path(file).suffix != ".toml":
        file = DESIGNS / f"{name_or_path}.toml"
        known = design_names()
        if name_or_path not in known:
            raise ValueError(
                f"There is no design '{name_or_path}' (known: {', '.join(known)}; "
                f"or the path of a .toml file).{suggestion(name_or_path, known)}"
            )
        if name_or_path not in preset_names():
            return _plugin_design(name_or_path)
    return _read(file)


def _read(file: str | Path) -> Accelerator:
    table, path = read_table(file, "design"), Path(file)
    return _from_fields({"name": path.stem} | table, f"Design file '{path.name}'")


def _plugin_design(name: str) -> Accelerator:
    """An `Accelerator`, or that in a file."""
    found = load(Group.DESIGNS, name)
    if isinstance(found, str | Path):
        found = calling(Group.DESIGNS, name, lambda: _read(found))
    if not isinstance(found, Accelerator):
        kind = type(found).__name__
        raise wrong(Group.DESIGNS, name, f"must be an Accelerator or a path, not a {kind}")
    return replace(found, name=name)


def design_text(accelerator: Accelerator) -> str:
    """A design as the TOML that `load_design` reads; its name is the file's."""
    values = {field.name: getattr(accelerator, field.name) for field in fields(accelerator)[1:]}
    values["host_streams"] = list(accelerator.host_streams)
    # JSON's integers, strings and lists of strings are TOML's.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
