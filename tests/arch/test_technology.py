"""Constants are what the published tables say; the manual prints what the model computes."""

import re
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from apollo.arch import scaling
from apollo.arch import technology as tech
from apollo.arch.constants import DEFAULT
from tests.arch.technology_tables import (
    TABLES,
    published,
    sram_fit_errors,
    sram_from_22nm,
    sram_points,
    sweep,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "technology.md"


@pytest.mark.parametrize("name", TABLES)
def test_the_manual_prints_what_the_model_computes(name: str, request) -> None:
    text = PAGE.read_text(encoding="utf-8")
    block = f"<!-- {name} -->\n{TABLES[name]()}\n<!-- end -->"
    if request.config.getoption("--update-golden"):
        text = re.sub(f"<!-- {name} -->.*?<!-- end -->", lambda _: block, text, flags=re.S)
        PAGE.write_text(text, encoding="utf-8")
    assert block in text, "rewrite with pytest --update-golden"


def test_the_manual_has_no_table_of_figures_that_is_not_computed() -> None:
    names = re.findall(r"<!-- (?!end)(.*?) -->", PAGE.read_text(encoding="utf-8"))
    assert sorted(names) == sorted(TABLES)


def test_scaling_constants_are_the_published_ones() -> None:
    rows = published("stillmaker_coeffs")
    table = {
        int(row["node_nm"]): tuple(float(row[c]) for c in ("a2", "a1", "a0", "area_rel_to_45"))
        for row in rows
    }
    assert table == tech.STILLMAKER_BAAS


def test_published_gain_is_that_of_the_operations() -> None:
    gains = [
        float(row["pJ_45nm_0.9V(Horowitz)"]) / float(row["pJ_7nm(TPUv4i T2)"])
        for row in published("energy_ops")
        if row["pJ_45nm_0.9V(Horowitz)"] and row["pJ_7nm(TPUv4i T2)"] and "DRAM" not in row["op"]
    ]
    assert len(gains) == 11
    mean = np.exp(np.log(gains).mean())
    assert mean == pytest.approx(2.86, abs=0.005)  # as the manual says
    assert mean == pytest.approx(tech.ENERGY_GAIN_45_TO_7, rel=0.15)


def test_energy_scale_by_hand() -> None:
    at_45 = 1.103 * 0.64 - 0.362 * 0.8 + 0.2767
    at_7 = 0.1776 * 0.64 - 0.09097 * 0.8 + 0.02447
    at_16 = 0.2958 * 0.64 - 0.1241 * 0.8 + 0.03024
    exponent = np.log(2.6) / np.log(at_45 / at_7)
    assert scaling.energy_scale(7) == 1
    assert scaling.energy_scale(45) == pytest.approx(2.6)
    assert scaling.energy_scale(16) == pytest.approx((at_16 / at_7) ** exponent)
    assert scaling.energy_scale(90) == pytest.approx(2.6 * scaling.gate_energy(90) / at_45)


def test_nodes_between_are_powers_of_the_node() -> None:
    # 32, 28 and 20 nm are on a line on logarithmic axes
    share = np.log(28 / 32) / np.log(20 / 32)
    assert scaling.area_scale(28) == pytest.approx(0.46 * (0.21 / 0.46) ** share / 0.059)
    assert scaling.interface_area_scale(28) ** 2 == pytest.approx(scaling.area_scale(28))


def test_smaller_nodes_need_less_energy_and_area() -> None:
    for scale in (scaling.energy_scale, scaling.gate_energy, scaling.area_scale):
        values = [scale(node) for node in tech.NODES_NM]
        assert values == sorted(values, reverse=True)
        assert len(set(values)) == len(values)


def test_sram_energy_is_the_fit_of_the_sweep() -> None:
    size, word, read, write, *_ = sweep(45).T
    mean = (read + write) / 2
    columns = np.column_stack([np.sqrt(size), word * np.sqrt(size)]) / mean[:, None]
    fit = np.linalg.lstsq(columns, np.ones_like(mean), rcond=None)[0]
    constants = (
        DEFAULT.sram_pj_per_root_byte_45nm,
        DEFAULT.sram_pj_per_root_byte_and_word_byte_45nm,
    )
    assert fit == pytest.approx(constants, rel=1e-3)
    assert np.abs(sram_fit_errors(45)["mean of both"]).max() < 0.125


def test_sram_leakage_is_the_median_of_the_sweep() -> None:
    for node, leakage in DEFAULT.sram_leakage_mw_per_mib.items():
        points = sweep(node)
        mw_per_mib = median(points[:, 4] / points[:, 0] * (1 << 20))
        assert leakage == pytest.approx(mw_per_mib, abs=5e-4)
        assert scaling.at_node(node, DEFAULT.sram_leakage_mw_per_mib) == leakage


def test_what_the_manual_says_of_cells() -> None:
    def mw_per_mib(cell: str) -> float:
        points = sweep(22, cell)
        return median(points[:, 4] / points[:, 0] * (1 << 20))

    assert mw_per_mib("itrs-hp") == pytest.approx(156, abs=0.5)
    assert mw_per_mib("itrs-lop") == pytest.approx(217, abs=0.5)
    cycles_ns = [
        float(row["cycle_ns"])
        for row in published("cacti7_sram_sweep")
        if (row["tech_nm"], row["cell"]) == ("22", "itrs-lstp") and int(row["size_B"]) <= 64 << 10
    ]
    assert max(cycles_ns) <= 1.25


def test_the_chosen_scaling_of_sram_is_nearer_to_the_published_than_the_other() -> None:
    from apollo.arch.sram import Sram

    for _, node, size, value in sram_points():
        model = abs(np.log(Sram(1, size, 8).access_pj(node) / value))
        other = abs(np.log(sram_from_22nm(size, node) / value))
        assert model < np.log(2.7)
        assert model < other or (node, size) == (7, 1 << 20)


def test_areas_are_those_of_the_kit() -> None:
    rows = {(row["lib"], row["unit"]): row for row in published("synth_area")}
    area = {unit: float(row["area_um2"]) for (lib, unit), row in rows.items() if lib == "asap7"}
    flip_flops = {
        unit: int(row["ffs"].split(":")[1])
        for (lib, unit), row in rows.items()
        if lib == "asap7" and row["ffs"].split(":")[1].isdigit()
    }
    assert area["core8"] / 8 == pytest.approx(DEFAULT.lane_um2, abs=0.05)
    assert area["requant"] == pytest.approx(DEFAULT.requantiser_um2, abs=0.05)
    assert area["mac8x1"] == pytest.approx(DEFAULT.mac_um2, abs=0.005)
    assert area["reg32"] / 32 == pytest.approx(DEFAULT.register_um2_per_bit, abs=0.005)
    assert area["add32"] == pytest.approx(DEFAULT.adder_um2, abs=0.005)
    assert flip_flops["core8"] == 8 * tech.LANE_REGISTER_BITS
    assert flip_flops["requant"] == tech.REQUANTISER_REGISTER_BITS


def test_sram_areas_are_those_of_the_macros() -> None:
    for ports, constant in (
        ("sp", DEFAULT.sram_um2_per_bit),
        ("dp", DEFAULT.sram_two_ports_um2_per_bit),
    ):
        bits = [
            float(row["um2_per_bit"])
            for row in published("sram_macros")
            if row["macro"].startswith(f"fakeram7_{ports}_") and float(row["bits"]) >= 8192
        ]
        assert min(bits) <= constant <= max(bits)
        assert median(bits) == pytest.approx(constant, rel=0.01)


def test_energies_are_the_published_ones() -> None:
    rows = {row["op"]: row for row in published("energy_ops")}
    assert float(rows["int8 mult"]["pJ_7nm(TPUv4i T2)"]) == DEFAULT.multiply_8_pj
    assert float(rows["int32 add"]["pJ_7nm(TPUv4i T2)"]) == DEFAULT.add_32_pj
    assert float(rows["int32 mult"]["pJ_45nm_0.9V(Horowitz)"]) == DEFAULT.multiply_32_pj_45nm
    aladdin = {row["component"]: row for row in published("aladdin_40nm_5ns")}
    assert float(aladdin["register"]["dyn_pJ"]) == DEFAULT.register_pj_per_bit_40nm
    assert float(aladdin["shifter"]["dyn_pJ"]) == DEFAULT.shift_32_pj_40nm
    leakage = [
        1e6 * float(aladdin[name]["leak_mW"]) / float(aladdin[name]["area_um2"])
        for name in ("int adder", "int multiplier", "register")
    ]
    assert np.mean(leakage) == pytest.approx(DEFAULT.logic_leakage_mw_per_mm2_40nm, rel=0.01)
    dram = {(row["type"], row["tag"]): row["pJ_per_bit"] for row in published("dram_energy")}
    assert float(dram["LPDDR4", "S"]) == DEFAULT.dram_pj_per_bit["LPDDR4"]
    assert float(dram["GDDR5", "S"]) == DEFAULT.dram_pj_per_bit["GDDR5"]
    assert float(dram["HBM2", "S"]) == DEFAULT.dram_pj_per_bit["HBM2"]
    assert float(dram["DDR3/4", "S2"]) == DEFAULT.dram_pj_per_bit["DDR3"]


def test_interfaces_and_wires_from_their_sources() -> None:
    lane_gb_per_s = 8 * 128 / 130 / 8
    mm2_28nm = 3 * 0.23 / lane_gb_per_s
    mm2 = mm2_28nm / scaling.interface_area_scale(28)
    assert mm2 == pytest.approx(DEFAULT.host_interface_mm2_per_gb_per_s, abs=0.005)
    assert pytest.approx(0.0957, abs=5e-4) == DEFAULT.wire_pj_per_bit_mm
