"""Small ONNX models to try, and what ONNX Runtime makes of a model."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


class Net:
    """Writes a small model: `x` of a shape goes in, `y` comes out."""

    def __init__(self, path, shape, opset=17, kind=TensorProto.FLOAT):
        self.path, self.shape, self.opset, self.kind = path, shape, opset, kind
        self.nodes, self.weights, self.more = [], [], []

    def weight(self, name, values):
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return self

    def input(self, name, shape, kind=TensorProto.FLOAT):
        self.more.append(helper.make_tensor_value_info(name, kind, shape))
        return self

    def node(self, kind, inputs, outputs, **attributes):
        before = sum(node.op_type == kind for node in self.nodes)
        name = f"the_{kind}{before + 1}" if before else f"the_{kind}"
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=name, **attributes))
        return self

    def model(self, functions=()):
        graph = helper.make_graph(
            self.nodes,
            "model",
            [helper.make_tensor_value_info("x", self.kind, self.shape), *self.more],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            self.weights,
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        opsets.append(helper.make_opsetid("com.example", 1))
        opsets += [helper.make_opsetid(item.domain, 1) for item in functions]
        model = helper.make_model(graph, opset_imports=opsets, functions=functions)
        model.ir_version = 8
        return model

    def write(self, **options):
        onnx.save(self.model(**options), self.path)
        return self.path


def floats(*shape):
    return np.zeros(shape, dtype=np.float32)


def integers(*values):
    return np.array(values, dtype=np.int64)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def session(model):
    """Of a file or a model, as it is written: no graph optimisations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run_all(model, feeds):
    """Every tensor of a model that its nodes write, by name."""
    model = onnx.load(model) if not isinstance(model, onnx.ModelProto) else model
    there = {item.name for item in model.graph.output}
    for name in dict.fromkeys(name for node in model.graph.node for name in node.output if name):
        if name not in there:
            model.graph.output.append(helper.make_empty_tensor_value_info(name))
    run = session(model)
    names = [item.name for item in run.get_outputs()]
    return dict(zip(names, run.run(names, feeds), strict=True))
