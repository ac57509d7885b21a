"""What a technology costs: areas at 7 nm, energies at the node in their name, each with its source.

`docs/technology.md` lists them with their uncertainty, `arch/data/` holds the published tables, and
`arch/scaling.py` takes each to another node. Areas are of synthesised cells and of SRAM macros in
the public ASAP7 kit (Yosys with its 7.5-track cells; OpenROAD's macro outlines).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from apollo.arch.text import suggestion
from apollo.arch.toml_file import read_table


def _within(factor: float, value: Any, group: str = "") -> Any:
    """A constant whose true value is taken to lie within a factor either way, nine times of ten.

    Constants of a group come from one source, and are wrong together.
    """
    metadata = {"factor": factor, "group": group}
    if isinstance(value, dict):
        return field(default_factory=lambda: dict(value), metadata=metadata)
    return field(default=value, metadata=metadata)


@dataclass(frozen=True)
class Technology:
    """The constants that areas and energies are made of.

    Raises `ValueError` when one is not a positive number.
    """

    # Off the chip.
    # Public data of accelergy-cacti-plug-in; DDR3 as in TPUv4i's table (1300 pJ per 64 bits).
    dram_pj_per_bit: Mapping[str, float] = _within(
        1.5, {"LPDDR4": 8.0, "DDR3": 20.3, "GDDR5": 14.0, "HBM2": 3.9}
    )
    # This end of a PCIe link. The transmitter of a Gen4 PHY in 28 nm takes 1.93 pJ/bit with its
    # bias and regulators (Bae, Cho and Jeong, Electronics 10(1):68, 2021); receiver with clock
    # recovery, and PLL with the link layer, are assumed as large each. No scaling: the line sets
    # voltage and swing.
    host_pj_per_bit: float = _within(2, 3 * 1.93)

    # SRAM.
    # Macros of 8 Kib to 256 Kib, single port: 0.0421 to 0.0429 um2 a bit (fakeram7_sp_*).
    sram_um2_per_bit: float = _within(1.3, 0.0426, "sram")
    # The same with two ports, 0.0597 to 0.0604 (fakeram7_dp_*): accumulators read and write in a
    # cycle.
    sram_two_ports_um2_per_bit: float = _within(1.3, 0.0602, "sram")
    # Energy of an access, (b + c word bytes) sqrt(bytes), fitted to a CACTI 7 sweep (2 KiB to 16
    # MiB, words of 8, 16 and 32 B, LSTP cells, 350 K): mean of read and write, whose split CACTI's
    # optimiser moves about. 45 nm, where it agrees with Horowitz; docs/technology.md says why not
    # 22 nm.
    sram_pj_per_root_byte_45nm: float = _within(2.7, 0.03505, "sram_energy")
    sram_pj_per_root_byte_and_word_byte_45nm: float = _within(2.7, 0.007423, "sram_energy")
    # Medians of the same sweep. LSTP, because cells for performance (HP) leak 156 mW/MiB at 22 nm:
    # the 32 MiB of an Edge TPU would take 5 W on a chip of 2 W. The nearest node holds beyond.
    sram_leakage_mw_per_mib: Mapping[int, float] = _within(10, {45: 0.184, 32: 0.224, 22: 0.561})

    # Area of logic, um2 at 7 nm.
    # A core of 8 four-way lanes with accumulators, 1580.05 um2, per lane.
    lane_um2: float = _within(1.3, 197.5, "cells")
    # 32-bit multiply, shift, round, clamp; one a lane, as the write rate of M16 needs.
    requantiser_um2: float = _within(1.3, 577.9, "cells")
    register_um2_per_bit: float = _within(1.3, 14.93 / 32, "cells")
    adder_um2: float = _within(1.3, 14.84, "cells")  # 32 bits
    # 8-bit multiplier, 32-bit adder and register: a cell of a systolic array without operand
    # registers.
    mac_um2: float = _within(1.3, 92.54, "cells")
    # 2:1 multiplexer, one bit: what register files of 16 and 64 words take beyond their registers,
    # (276.07 - 16 * 14.93) / (15 * 32) and (1102.9 - 64 * 14.93) / (63 * 32).
    multiplexer_um2_per_bit: float = _within(2, 0.075)
    # LPDDR4 controller and PHY: about 1.5 mm2 for 32 bits at 17 GB/s in 16 nm, shrunk by 0.6 to 7
    # nm as analogue parts do. From memory, +-50 %.
    dram_interface_mm2_per_gb_per_s: float = _within(1.5, 0.05)
    # Three times the 0.23 mm2 of the transmitter above for a PCIe 3 lane of 0.985 GB/s, from 28 nm.
    host_interface_mm2_per_gb_per_s: float = _within(2, 0.28)
    # Clock, reset, test. An assumption; docs/technology.md shows what depends on it.
    fixed_mm2: float = _within(2, 0.3)

    # Energy of logic, pJ.
    # TPUv4i, table 2, 7 nm.
    multiply_8_pj: float = _within(1.5, 0.07, "arithmetic")
    add_32_pj: float = _within(1.5, 0.03, "arithmetic")
    # Horowitz, 45 nm.
    multiply_32_pj_45nm: float = _within(1.5, 3.1, "arithmetic")
    # Aladdin's library, 40 nm, 5 ns: a register of one bit, a shifter of 32.
    register_pj_per_bit_40nm: float = _within(2, 0.009)
    shift_32_pj_40nm: float = _within(1.5, 0.41652, "arithmetic")
    # Keckler et al., IEEE Micro 31(5), 2011, table 1, as quoted by others: 310 pJ for 256 bits over
    # 10 mm in 40 nm at 0.9 V; by V^2 to 0.8 V. A wire's capacitance does not shrink with the node.
    wire_pj_per_bit_mm: float = _within(2, 310 / 2560 * (0.8 / 0.9) ** 2)
    # Share of a register's energy that its clock takes in a cycle in which it does not change: an
    # assumption (half of the energy is clock pin and tree, gates stop three fifths of the
    # registers).
    idle_clock_share: float = _within(2, 0.2)
    # Aladdin's library, 40 nm: adder 13.4, multiplier 10.9, register 11.7 mW/mm2.
    logic_leakage_mw_per_mm2_40nm: float = _within(3, 12.0)

    def __post_init__(self) -> None:
        """Check every constant."""
        for name, value in self.numbers().items():
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, not {value}.")

    def numbers(self) -> dict[str, float]:
        """Every constant; those of a table as `name.key`."""
        numbers = dict[str, float]()
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Mapping):
                numbers |= {f"{each.name}.{key}": number for key, number in value.items()}
            else:
                numbers[each.name] = value
        return numbers

    def changes(self) -> dict[str, Any]:
        """The constants that differ from the default, as a file has them."""
        changed: dict[str, Any] = {}
        for each in fields(self):
            value, usual = getattr(self, each.name), getattr(DEFAULT, each.name)
            if value != usual:
                is_table = isinstance(value, Mapping)
                changed[each.name] = {str(k): v for k, v in value.items()} if is_table else value
        return changed

    def scaled(self, factors: Mapping[str, float]) -> "Technology":
        """The technology with the constants of some groups multiplied."""
        changed: dict[str, Any] = {}
        for each in fields(self):
            factor = factors.get(group_of(each.name))
            value = getattr(self, each.name)
            if factor is not None and isinstance(value, Mapping):
                changed[each.name] = {key: number * factor for key, number in value.items()}
            elif factor is not None:
                changed[each.name] = value * factor
        return replace(self, **changed)


_FIELDS = {each.name: each for each in fields(Technology)}
DEFAULT = Technology()


def group_of(constant: str) -> str:
    """The group that a constant is wrong with: itself, unless others have the same source."""
    return _FIELDS[constant].metadata["group"] or constant


def factor_of_groups() -> dict[str, float]:
    """The factor that each group is certain to, in the order of the constants."""
    return {group_of(name): each.metadata["factor"] for name, each in _FIELDS.items()}


def load_technology(path: str | Path) -> Technology:
    """The technology in a TOML file: constants by name, the default for the others.

    Raises `ValueError`, one sentence, when the file is none.
    """
    path = Path(path)
    table = read_table(path, "technology")
    try:
        return technology_of(table)
    except ValueError as error:
        raise ValueError(f"Technology file '{path.name}': {error}") from None


def technology_of(table: Mapping[str, Any]) -> Technology:
    """The default with the constants of a table, as `changes` gives it.

    Raises `ValueError`, one sentence, for what is no constant.
    """
    changed: dict[str, Any] = {}
    for name, value in table.items():
        if name not in _FIELDS:
            raise ValueError(f"'{name}' is no constant.{suggestion(name, _FIELDS)}")
        usual = getattr(DEFAULT, name)
        if isinstance(usual, Mapping):
            if not isinstance(value, dict):
                raise ValueError(f"{name} must be a table, not {value!r}.")
            keys = {str(key): key for key in usual}
            for key, number in value.items():
                if key not in keys:
                    raise ValueError(f"{name} has no '{key}' (known: {', '.join(keys)}).")
                _check_number(f"{name}.{key}", number)
            changed[name] = {**usual, **{keys[key]: number for key, number in value.items()}}
        else:
            _check_number(name, value)
            changed[name] = value
    return replace(DEFAULT, **changed)


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a positive number, not {value!r}.")
