"""Graphs on an array: what a layer becomes, and that it computes the right numbers."""

import dataclasses

import numpy as np
import pytest

import apollo
from apollo.arch.accelerator import load_design
from apollo.compiler.systolic.graph import compile_graph
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import Binary, BinaryKind, PoolKind, Unary, UnaryKind
from apollo.workloads.operators import Convolution as ConvolutionOperator
from apollo.workloads.operators import FullyConnected as FullyConnectedOperator
from apollo.workloads.operators import Pool as PoolOperator

GEMMINI, TPU = load_design("gemmini"), load_design("tpu_v1")


def small_graph():
    builder = GraphBuilder("small", [Tensor("image", (2, 8, 10, 10))])
    builder.add(ConvolutionOperator("a", ("image",), "t", 16, (3, 3), (1, 1), (1, 1, 1, 1)))
    builder.add(Unary("relu", ("t",), "u", UnaryKind.RELU))
    builder.add(PoolOperator("pool", ("u",), "v", PoolKind.MAX, (2, 2), (2, 2)))
    builder.add(ConvolutionOperator("b", ("v",), "w", 16, (1, 1)))
    builder.add(Binary("sum", ("v", "w"), "x", BinaryKind.ADD))
    builder.add(Unary("gate", ("x",), "y", UnaryKind.SIGMOID))
    return builder.build([builder.add(FullyConnectedOperator("dense", ("y",), "z", 10))])


def test_a_graph_runs_on_a_chip_with_an_array():
    measurement = apollo.evaluate(small_graph(), TPU)
    rows = measurement.layers()
    assert sum(row.macs for row in rows) == small_graph().macs
    assert 0 < measurement.metrics.utilisation <= 1
    marks = measurement.high_water()
    assert marks["pe_memory_bytes"] <= TPU.pe_memory_bytes
    assert marks["core_memory_bytes"] <= TPU.core_memory_bytes


def test_single_layers_go_through_a_scratchpad_block_by_block():
    fewer = dataclasses.replace(GEMMINI, core_memory_bytes=3072)
    graph = apollo.load("gemm:128x64x64")
    assert len(compile_graph(graph, GEMMINI).layout.weights["gemm"]) == 1  # the matrix as it is
    assert len(compile_graph(graph, fewer).weights[0].columns) == 4  # tile after tile


@pytest.mark.parametrize("name", ["gemm:512x512x512", "conv:56x56x64x64x3x1"])
def test_large_layers_keep_the_array_busy(name):
    metrics = apollo.evaluate(apollo.load(name), GEMMINI).metrics
    assert 0.9 < metrics.utilisation <= 1


def test_macs_of_layers_are_integers():
    measurement = apollo.evaluate("gemm:64x64x64", GEMMINI)
    assert measurement.layer_macs().dtype == np.int64
