"""Decisions of the compiler that are taken out of its hands."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.text import suggestion
from apollo.compiler.kernels.parameters import FREE
from apollo.compiler.network import Network
from apollo.compiler.tables import MAPS, Form, From, Ints, Map, Nest, Split

# What may be fixed, and by which names its values go; numbers otherwise.
_NAMES: dict[Map, dict[str, int]] = {
    Map.SPLIT_X: {each.name.lower(): int(each) for each in Split if each != Split.NONE},
    Map.SPLIT_Y: {each.name.lower(): int(each) for each in Split if each != Split.NONE},
    Map.SPLIT_CORES: {"positions": int(Split.ROWS), "channels": int(Split.CHANNELS)},
    Map.PE_ROWS: {},
    Map.PE_COLUMNS: {},
    Map.TILE_ROWS: {},
    Map.TILE_CHANNELS: {},
    Map.TILE_INPUTS: {},
    Map.SOURCE_FROM: {each.name.lower(): int(each) for each in From if each != From.NOWHERE},
    Map.TO_DRAM: {"no": 0, "yes": 1},
    Map.RESIDENT: {"no": 0, "yes": 1},
    Map.SPARSE: {"no": 0, "yes": 1},
    Map.STRIPS: {},
}


@dataclass(frozen=True)
class Fixed:
    """A decision for all layers whose name matches a pattern (`block*/depthwise`)."""

    layers: str
    column: Map
    value: int

    def __str__(self) -> str:
        """As it is written: `layers:column=value`."""
        names = {number: name for name, number in _NAMES[self.column].items()}
        value = names.get(self.value, str(self.value))
        return f"{self.layers}:{self.column.name.lower()}={value}"

    @classmethod
    def of(cls, text: str) -> "Fixed":
        """Read `layers:column=value`, such as `block1/*:split_x=rows`.

        Raises `ValueError` for what has another form, column or value.
        """
        layers, colon, rest = text.rpartition(":")
        name, equals, value = rest.partition("=")
        if not (layers and colon and equals):
            raise ValueError(f"A decision must be LAYERS:COLUMN=VALUE, not '{text}'.")
        columns = {column.name.lower(): column for column in _NAMES}
        if name not in columns:
            raise ValueError(
                f"Of a layer one of {', '.join(columns)} can be fixed, not '{name}' ('{text}')."
                f"{suggestion(name, columns)}"
            )
        names = _NAMES[columns[name]]
        if names and value not in names:
            raise ValueError(
                f"{name} must be one of {', '.join(names)}, not '{value}'."
                f"{suggestion(value, names)}"
            )
        if not names and not (value.isascii() and value.isdigit() and int(value) > 0):
            raise ValueError(f"{name} must be a whole number from 1 on, not '{value}'.")
        return cls(layers, columns[name], names[value] if names else int(value))


@dataclass(frozen=True)
class Options:
    """What is fixed; None leaves it to the cost.

    Attributes:
        sparse: whether the nests that have masks are sparse.
        states: layouts that the mapping keeps of all that it has seen; 1 is greedy.
        fixed: decisions for single layers.

    """

    sparse: bool | None = None
    states: int = 4  # more find little: docs/compiler.md
    fixed: tuple[Fixed, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what makes no search."""
        if not 1 <= self.states <= 64:
            raise ValueError(f"States must be in 1..64, not {self.states}.")

    def restrict(self, nests: Ints) -> Ints:
        """The table of nests with the choices that are left."""
        if self.sparse is None:
            return nests
        nests = nests.copy()
        form = nests[:, Nest.FORM]
        wanted = Form.SPARSE if self.sparse else Form.DENSE
        nests[:, Nest.FORM] = np.where(form == Form.EITHER, wanted, form)
        return nests

    def forced(self, network: Network) -> Ints:
        """What is fixed of the mapping [L, MAPS], or FREE.

        Raises `ValueError` for a decision that matches no layer.
        """
        table = np.full((len(network.nests), MAPS), FREE, np.int64)
        for fixed in self.fixed:
            rows = [fnmatchcase(name, fixed.layers) for name in network.layer_names]
            if not any(rows):
                raise ValueError(f"No layer of '{network.name}' matches '{fixed.layers}'.")
            table[rows, fixed.column] = fixed.value
        return table


USUAL = Options()


def refuse_options(accelerator: Accelerator, options: Options) -> None:
    """Raises `ValueError` where options are given for a design without lanes."""
    if options != USUAL:
        raise ValueError(
            f"Design '{accelerator.name}' must have lanes for its mapping to be fixed, not a "
            f"systolic array."
        )
