"""What the interpreter of TensorFlow Lite sees in a file, beside what we make of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from apollo.workloads.model import Model
from apollo.workloads.tflite.file import read
from apollo.workloads.tflite.reader import _Import
from tests.workloads.tflite.run import Run


@dataclass
class Pair:
    """One tensor, in the order of the file: theirs and ours, as integers if it is quantised."""

    name: str
    theirs: np.ndarray
    ours: np.ndarray
    quantized: bool

    @property
    def error(self) -> float:
        """Largest difference: in steps, or relative to the largest number."""
        worst = float(np.abs(self.theirs - self.ours).max())
        return worst if self.quantized else worst / max(1e-6, float(np.abs(self.theirs).max()))


class Observed:
    """A file that both have run on the same random input."""

    def __init__(
        self,
        path: Path,
        shapes: Mapping[str, Sequence[int]] | None = None,
        reference: bool = False,
    ) -> None:
        shapes = {name: tuple(shape) for name, shape in (shapes or {}).items()}
        self.importing = _Import(path.stem, read(path), shapes)
        self.model: Model = self.importing.model(partial=False)
        self.interpreter = Interpreter(
            model_path=str(path),
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF
            if reference
            else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        for item in self.interpreter.get_input_details():
            if item["name"] in shapes:
                self.interpreter.resize_tensor_input(item["index"], shapes[item["name"]])
        self.interpreter.allocate_tensors()
        self._random = np.random.default_rng(0)
        self.again({})

    def again(self, state: Mapping[str, np.ndarray]) -> None:
        """Run both on further random input; ours has no state of its own but zeros."""
        self.run = Run(self.model, self._given() | dict(state))
        self.interpreter.invoke()

    def pairs(self) -> Iterator[Pair]:
        """Every tensor that depends on an input, as often as we have it."""
        for index, flow in self.importing.importing.flows.items():
            theirs = self.interpreter.get_tensor(index)
            for place in flow.places:
                if place.name not in self.run.values:
                    continue
                ours = self.run.values[place.name].transpose(np.argsort(place.layout))
                rule = flow.quantization
                if rule is not None:
                    shift = 128 if theirs.dtype == np.uint8 else 0
                    signed = theirs.astype(np.int64) - shift
                    yield Pair(flow.name, signed, rule.quantize(ours), True)
                else:
                    yield Pair(flow.name, theirs.reshape(theirs.shape or (1,)), ours, False)

    def _given(self) -> dict[str, np.ndarray]:
        """Random inputs for both; states are zero."""
        given = {
            name: np.zeros(self.model.graph.tensor(name).shape) for name in self.model.graph.inputs
        }
        random = self._random
        for item in self.interpreter.get_input_details():
            shape, flow = tuple(item["shape"]), self.importing.importing.flows[item["index"]]
            if np.issubdtype(item["dtype"], np.integer):
                limits = np.iinfo(item["dtype"])
                values = random.integers(max(limits.min, -999), min(limits.max, 999), shape)
                real = values - (128 if item["dtype"] == np.uint8 else 0)
            else:
                values = real = random.normal(size=shape)
            values = values.astype(item["dtype"])
            self.interpreter.set_tensor(item["index"], values)
            for place in flow.places:
                if place.name in given:
                    stored = (
                        real if flow.quantization is None else flow.quantization.dequantize(real)
                    )
                    given[place.name] = np.asarray(stored).transpose(place.layout)
        return given
