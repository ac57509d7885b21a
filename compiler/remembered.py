"""Programs that are asked for again: designs of a search often differ in nothing that they see.

A program depends on the numbers that the compiler has of a design (`units_of`); what it does not
see, such as the staging memory of parameters, only changes how it runs.
"""

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from apollo.arch.accelerator import Accelerator
from apollo.compiler.mapping import units_of
from apollo.compiler.network import Network
from apollo.compiler.options import USUAL, Options
from apollo.compiler.pipeline import Compiled, compile_network

_MOST = 1 << 18  # instructions in all, some 30 MB


@dataclass
class Remembered:
    """`compile_network` that knows the programs it was asked for last.

    `most`: instructions of all that are known.
    """

    most: int = _MOST
    _known: OrderedDict[tuple[int, bool, bytes, Options], Compiled] = field(
        default_factory=OrderedDict, repr=False
    )
    _networks: dict[int, Network] = field(default_factory=dict, repr=False)
    _size: int = 0

    def __call__(
        self, network: Network, accelerator: Accelerator, options: Options = USUAL
    ) -> Compiled:
        """The program of a network for a design; raises as `compile_network` does."""
        # A network is known by where it is, so it has to stay there.
        self._networks[id(network)] = network
        key = id(network), accelerator.is_systolic, units_of(accelerator).tobytes(), options
        found = self._known.pop(key, None)
        if found is None:
            found = compile_network(network, accelerator, options)
            self._size += _size(found)
        self._known[key] = found
        while self._size > self.most:
            _, oldest = self._known.popitem(last=False)
            self._size -= _size(oldest)
        return replace(found, accelerator=accelerator)


def _size(compiled: Compiled) -> int:
    """Instructions of both programs, of a first and a following inference."""
    programs = {id(program): program for program in (compiled.cold, compiled.warm)}
    return sum(len(program.opcode) for program in programs.values())
