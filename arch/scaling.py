"""From the technology that a constant was published for to another one.

Stillmaker and Baas (Integration 58, 2017) fit energy and area of gates from 130 to 7 nm. Between
their nodes both are interpolated as powers of the node. Every factor is relative to 7 nm.
"""

import math
from collections.abc import Mapping
from functools import cache

from apollo.arch import technology as tech

_NODES = sorted(tech.STILLMAKER_BAAS)
_AREA = 3  # its column in the table, after the three coefficients


def _power_law(node_nm: float, left: tuple[int, float], right: tuple[int, float]) -> float:
    share = math.log(node_nm / left[0]) / math.log(right[0] / left[0])
    return left[1] * float((right[1] / left[1]) ** share)


def _interpolated(node_nm: float, values: Mapping[int, float]) -> float:
    nodes = sorted(values)
    if node_nm in values:
        return values[int(node_nm)]
    above = next(i for i, node in enumerate(nodes) if node > node_nm)
    below = nodes[above - 1]
    return _power_law(node_nm, (below, values[below]), (nodes[above], values[nodes[above]]))


@cache
def gate_energy(node_nm: float) -> float:
    """Energy of a gate by Stillmaker and Baas, a2 V^2 + a1 V + a0 at their 0.8 V, unscaled."""
    volts = tech.SCALING_VOLTS
    values = {
        node: a2 * volts**2 + a1 * volts + a0
        for node, (a2, a1, a0, _) in tech.STILLMAKER_BAAS.items()
    }
    return _interpolated(node_nm, values)


@cache
def energy_scale(node_nm: float) -> float:
    """Energy of an action at a node over that at 7 nm.

    Between 45 and 7 nm the curve of Stillmaker and Baas is flattened, by one exponent, to the gain
    that was published for that step; above 45 nm it is theirs.
    """
    whole = gate_energy(45) / gate_energy(7)
    exponent = math.log(tech.ENERGY_GAIN_45_TO_7) / math.log(whole)
    if node_nm > 45:
        return tech.ENERGY_GAIN_45_TO_7 * gate_energy(node_nm) / gate_energy(45)
    return float((gate_energy(node_nm) / gate_energy(7)) ** exponent)


@cache
def area_scale(node_nm: float) -> float:
    """Area of logic and SRAM at a node over that at 7 nm."""
    values = {node: row[_AREA] for node, row in tech.STILLMAKER_BAAS.items()}
    return _interpolated(node_nm, values) / values[7]


def interface_area_scale(node_nm: float) -> float:
    """Area of analogue interfaces at a node over that at 7 nm: it shrinks as a length does."""
    return math.sqrt(area_scale(node_nm))


def at_node(node_nm: float, values: Mapping[int, float]) -> float:
    """A value that is known at some nodes; beyond them that of the nearest."""
    return _interpolated(min(max(node_nm, min(values)), max(values)), values)


@cache
def logic_leakage_scale(node_nm: float) -> float:
    """Leakage of an area of logic at a node over that at 40 nm.

    A gate's leakage shrinks with the node as its switching energy does.
    """
    energy = energy_scale(node_nm) / energy_scale(40)
    density = area_scale(40) / area_scale(node_nm)
    return energy * density
