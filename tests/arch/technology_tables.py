"""The tables of docs/technology.md, computed from the model and from the published figures."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import resources
from statistics import median

import numpy as np

from apollo.arch import scaling, space
from apollo.arch import technology as tech
from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.area import area_of
from apollo.arch.constants import DEFAULT
from apollo.arch.energy import Action, energy_pj, energy_table
from apollo.arch.sram import Sram

KIB = 1 << 10
HALF_OF_HASWELL_MM2 = 331  # TPU v1 is at most that
TPU_V1 = {
    "name": "tpu_v1",
    "technology_nm": 28,
    "clock_mhz": 700,
    "pes_x": 1,
    "pes_y": 1,
    "cores": 1,
    "lanes": 256,
    "array_rows": 256,
    "array_columns": 256,
    "accumulator_rows": 4096,
    "pe_memory_bytes": 24 << 20,
    "core_memory_bytes": 256 * KIB,
    "activation_memory_bytes": 64 * KIB,
    "parameter_memory_bytes": 64 * KIB,
    "instruction_memory_bytes": 64 * KIB,
    "dram": "DDR3",
    "dram_gb_per_s": 34,
    "host_gb_per_s": 15,
    "host_streams": ("FETCH", "ACT", "STORE"),
}


def published(name: str) -> list[dict[str, str]]:
    """A table of arch/data, as installed."""
    text = (resources.files("apollo.arch") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def sweep(node_nm: int, cell: str = "itrs-lstp") -> np.ndarray:
    """[points, (bytes, word bytes, read pJ, write pJ, leakage mW, um2)] of the CACTI sweep."""
    return np.array(
        [
            (
                float(row["size_B"]),
                float(row["access_B"]),
                float(row["read_nJ"]) * 1e3,
                float(row["write_nJ"]) * 1e3,
                float(row["leak_mW"]),
                float(row["h_mm"]) * float(row["w_mm"]) * 1e6,
            )
            for row in published("cacti7_sram_sweep")
            if (row["tech_nm"], row["cell"]) == (str(node_nm), cell)
        ]
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def error(model: float, value: float) -> str:
    return f"{100 * (model / value - 1):+.0f} %"


def significant(value: float) -> str:
    """Three digits, without an exponent."""
    digits = max(0, 2 - int(np.floor(np.log10(abs(value))))) if value else 0
    return f"{value:.{min(digits, 4)}f}"


def scaling_table() -> str:
    rows = [
        (
            node,
            f"{scaling.gate_energy(node) / scaling.gate_energy(7):.2f}",
            f"{scaling.energy_scale(node):.2f}",
            f"{scaling.area_scale(node):.2f}",
            f"{scaling.at_node(node, DEFAULT.sram_leakage_mw_per_mib):.2f}",
            f"{DEFAULT.logic_leakage_mw_per_mm2_40nm * scaling.logic_leakage_scale(node):.1f}",
        )
        for node in tech.NODES_NM
    ]
    return table(
        ("nm", "gate energy", "energy", "area", "SRAM leakage, mW/MiB", "logic leakage, mW/mm²"),
        rows,
    )


def sram_fit_errors(node_nm: int) -> dict[str, np.ndarray]:
    """Relative errors at every point of the sweep, of the mean of read and write, and of each."""
    size, word, read, write, *_ = sweep(node_nm).T
    model = [Sram(1, int(b), int(w)).access_pj(45) for b, w in zip(size, word, strict=True)]
    model = np.array(model) * scaling.gate_energy(node_nm) / scaling.gate_energy(45)
    return {
        "mean of both": model / ((read + write) / 2) - 1,
        "read": model / read - 1,
        "write": model / write - 1,
    }


def sram_fit_table() -> str:
    rows = [
        (
            node,
            what,
            f"{100 * np.sqrt((errors**2).mean()):.0f} %",
            f"{100 * errors.min():+.0f} … {100 * errors.max():+.0f} %",
        )
        for node in (45, 32, 22)
        for what, errors in sram_fit_errors(node).items()
    ]
    return table(("nm", "sweep", "rms error", "range"), rows)


def sram_points() -> list[tuple[str, int, int, float]]:
    """(source, node, bytes, pJ of 8 bytes) as published."""
    rows = {row["op"]: row for row in published("energy_ops")}
    columns = (
        ("Horowitz", 45, "pJ_45nm_0.9V(Horowitz)"),
        ("TPUv4i", 7, "pJ_7nm(TPUv4i T2)"),
    )
    sizes = {"8KB": 8 * KIB, "32KB": 32 * KIB, "1MB": KIB * KIB}
    return [
        (source, node, size, float(rows[f"SRAM {name} 64b read"][column]))
        for source, node, column in columns
        for name, size in sizes.items()
    ]


def sram_from_22nm(size_bytes: int, node_nm: int) -> float:
    """What the sweep at 22 nm and the unflattened polynomials would say of 8 bytes."""
    points = sweep(22)
    point = points[(points[:, 0] == size_bytes) & (points[:, 1] == 8)][0]
    return float(point[2:4].mean() * scaling.gate_energy(node_nm) / scaling.gate_energy(22))


def sram_table() -> str:
    rows = []
    for source, node, size, value in sram_points():
        model, other = Sram(1, size, 8).access_pj(node), sram_from_22nm(size, node)
        figures = f"{value:g}", f"{model:.1f}", error(model, value)
        row = f"{source}, {node} nm", size // KIB, *figures
        rows.append((*row, f"{other:.2g}", error(other, value)))
    return table(
        ("source", "KiB", "published", "model", "error", "22 nm, gate energy", "error"), rows
    )


def arithmetic_table() -> str:
    scale_45, scale_40 = scaling.energy_scale(45), scaling.energy_scale(40)
    multiply_32 = DEFAULT.multiply_32_pj_45nm / scale_45
    rows = [
        ("multiply, 8 bit", "Horowitz, 45 nm (memory)", 0.2, DEFAULT.multiply_8_pj * scale_45),
        ("add, 32 bit", "Horowitz, 45 nm", 0.1, DEFAULT.add_32_pj * scale_45),
        ("add, 32 bit", "Aladdin, 40 nm", 0.0857, DEFAULT.add_32_pj * scale_40),
        ("multiply, 8 bit", "Aladdin, 40 nm, 32 bit / 16", 8.63 / 16, 0.07 * scale_40),
        ("multiply, 32 bit", "TPUv4i, 7 nm (memory)", 1.48, multiply_32),
        ("multiply, 32 bit", "Aladdin, 40 nm", 8.63, multiply_32 * scale_40),
    ]
    return table(
        ("operation", "source", "published, pJ", "model, pJ", "error"),
        [(*row[:2], f"{row[2]:.3g}", f"{row[3]:.3g}", error(row[3], row[2])) for row in rows],
    )


def area_table() -> str:
    rows: list[tuple[str, float, float]] = []
    for node in (45, 32, 22):
        points = sweep(node)
        bits = float(median(points[:, 5] / points[:, 0] / 8))
        rows.append((f"SRAM, CACTI, {node} nm", bits, _sram_bit_um2(node)))
    macros = published("sram_macros")
    for platform, node in (("nangate45", 45), ("ihp-sg13g2", 130)):
        large = [
            float(row["um2_per_bit"])
            for row in macros
            if row["platform"] == platform and float(row["bits"]) >= 8 * KIB
        ]
        rows.append((f"SRAM, {platform}, median", median(large), _sram_bit_um2(node)))
    cells = {(row["lib"], row["unit"]): float(row["area_um2"]) for row in published("synth_area")}
    for kit, node in (("nangate45", 45), ("sky130", 130), ("ihp", 130)):
        for unit in ("lane4", "mac8x1", "requant", "reg32"):
            model = cells["asap7", unit] * scaling.area_scale(node)
            rows.append((f"{unit}, {kit}", cells[kit, unit], model))
    return table(
        ("what", "kit, µm² (SRAM: a bit)", "model", "error"),
        [(name, significant(a), significant(b), error(b, a)) for name, a, b in rows],
    )


def _sram_bit_um2(node_nm: int) -> float:
    return DEFAULT.sram_um2_per_bit * scaling.area_scale(node_nm)


def dense_counts(design: Accelerator, cycles: int) -> dict[Action, int]:
    """A convolution with 256 input channels and one tap that keeps every lane busy (M16)."""
    cores = design.pes * design.cores
    lanes, steps = cores * design.lanes, 256 // 4
    return {
        Action.MAC: 4 * lanes * cycles,
        Action.CORE_MEMORY_READ_BYTE: 4 * lanes * cycles,
        Action.PE_MEMORY_READ_BYTE: 4 * cores * cycles,
        Action.PE_MEMORY_WRITE_BYTE: lanes * cycles // steps,
        Action.REQUANTISE: lanes * cycles // steps,
    }


def edge_designs() -> list[Accelerator]:
    v1, v2, v3 = (load_design(f"edge_tpu_v{i}") for i in (1, 2, 3))
    return [v1, v2, v3, replace(v2, technology_nm=28)]


def watts(design: Accelerator, counts: dict[Action, int], cycles: int) -> float:
    picojoules = energy_pj(counts, design, cycles).total_pj
    return picojoules / (cycles / design.clock_mhz * 1e3) / 1e3


def edge_table() -> str:
    rows = []
    for design in edge_designs():
        cycles = design.clock_mhz * 10**6
        busy = watts(design, dense_counts(design, cycles), cycles)
        idle = watts(design, {}, cycles)
        name = f"{design.name[-2:].upper()}, {design.technology_nm} nm"
        figures = f"{area_of(design).total_mm2:.1f}", f"{idle:.2f}", f"{busy:.2f}"
        tops = design.peak_tops
        rows.append((name, f"{tops:.2f}", *figures, f"{tops / busy:.1f}"))
    return table(("class", "TOPS", "area, mm²", "idle, W", "dense convolution, W", "TOPS/W"), rows)


def tpu_counts(active: float, cycles: int) -> dict[Action, int]:
    """The systolic array in use for a share of the cycles: a row in, a row of sums out."""
    busy = round(active * cycles)
    return {
        Action.MAC: 256 * 256 * busy,
        Action.PE_MEMORY_READ_BYTE: 256 * busy,
        Action.ACCUMULATOR_READ_BYTE: 1024 * busy,
        Action.ACCUMULATOR_WRITE_BYTE: 1024 * busy,
    }


def tpu_parts() -> dict[str, tuple[float, float]]:
    """Published percentage of the die, and the model's mm2."""
    area = area_of(Accelerator(**TPU_V1))
    buffers = area.pe_memory_mm2 + area.core_memory_mm2 + area.accumulators_mm2
    staging = area.staging_mm2 + area.instruction_memory_mm2
    return {
        "buffers": (37, buffers + staging),
        "compute": (30, area.array_mm2 + area.lanes_mm2),
        "I/O": (10, area.dram_interface_mm2 + area.host_interface_mm2),
        "control and fixed": (2, area.control_mm2 + area.buses_mm2 + area.fixed_mm2),
    }


def tpu_area_table() -> str:
    parts = tpu_parts()
    parts["together"] = tuple(map(sum, zip(*parts.values(), strict=True)))
    percent, total_mm2 = parts["together"]
    rows = []
    for name, (share, mm2) in parts.items():
        of_four = f"{100 * share / percent:.0f} %", f"{100 * mm2 / total_mm2:.0f} %"
        most = share * HALF_OF_HASWELL_MM2 / 100
        figures = f"{most:.0f}", f"{mm2:.1f}", error(mm2, most)
        rows.append((name, f"{share} %", *of_four, *figures))
    return table(
        ("part", "share of the die", "of the four", "model", "≤ mm²", "model, mm²", "error"), rows
    )


def gemmini_area_table() -> str:
    area = area_of(load_design("gemmini"))
    published = {  # mm2 in 22 nm, from memory
        "scratchpad, 256 KiB": (0.544, area.pe_memory_mm2 + area.core_memory_mm2),
        "accumulators, 64 KiB": (0.146, area.accumulators_mm2),
        "array, 16 x 16": (0.116, area.array_mm2),
    }
    rows = [
        (part, f"{mm2:.3f}", f"{model:.3f}", error(model, mm2))
        for part, (mm2, model) in published.items()
    ]
    return table(("part", "published, mm²", "model, mm²", "error"), rows)


def tpu_power_table() -> str:
    design = Accelerator(**TPU_V1)
    cycles = design.clock_mhz * 10**6
    idle = watts(design, {}, cycles)
    cnn0 = watts(design, tpu_counts(0.782, cycles), cycles)
    always = watts(design, tpu_counts(1, cycles), cycles)
    rows = [
        ("idle", "28", f"{idle:.1f}", error(idle, 28)),
        ("array active 78.2 % (CNN0)", "40 busy", f"{cnn0:.1f}", error(cnn0, 40)),
        ("busy less idle", "12", f"{cnn0 - idle:.1f}", error(cnn0 - idle, 12)),
        ("array always active", "≤ 75 (TDP)", f"{always:.1f}", ""),
    ]
    return table(("state", "published, W", "model, W", "error"), rows)


def actions_table() -> str:
    designs = [load_design("edge_tpu_v1"), Accelerator(**TPU_V1)]
    tables = [energy_table(design) for design in designs]
    rows = [
        (f"`{action}`", *(significant(costs.of(action)) for costs in tables)) for action in Action
    ]
    rows.append(("leakage, mW", *(f"{costs.leakage_mw:.0f}" for costs in tables)))
    return table(("pJ", "Edge TPU V1, 7 nm", "TPU v1, 28 nm"), rows)


def share_table() -> str:
    generator = np.random.default_rng(1)
    sample = generator.integers(0, space.SIZE, 20_000)
    areas = np.array([area_of(space.accelerator_at(int(i))).total_mm2 for i in sample])
    published_share = {27: "22.3 % of the published samples feasible"}
    rows = [
        (f"{limit:g}", published_share.get(limit, ""), f"{100 * (areas <= limit).mean():.1f} %")
        for limit in (27, 6.8, 5.8, 4.8)
    ]
    return table(("limit, mm²", "published", "uniformly drawn designs under it"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "scaling": scaling_table,
    "sram fit": sram_fit_table,
    "sram energy": sram_table,
    "arithmetic": arithmetic_table,
    "area": area_table,
    "actions": actions_table,
    "shares": share_table,
    "edge": edge_table,
    "tpu area": tpu_area_table,
    "tpu power": tpu_power_table,
    "gemmini area": gemmini_area_table,
}
