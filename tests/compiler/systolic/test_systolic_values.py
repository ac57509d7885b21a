import numpy as np
import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.systolic.layers import Range, Shape, Window
from apollo.compiler.systolic.single import compile_convolution, compile_gemm
from tests.compiler.systolic.values import (
    chip,
    random_values,
    requantisation,
    requantised,
    run_matrix,
    windows,
)

CHIPS = {
    "4x4": chip(4, 4),
    "8x4": chip(8, 4),
    "4x8": chip(4, 8),
    "1x1": chip(1, 1),
    "16x16": chip(16, 16, 48),
    "gemmini": load_design("gemmini"),
    "tpu_v1": load_design("tpu_v1"),
}


@pytest.mark.parametrize("stationary", ["weights", "outputs"])
@pytest.mark.parametrize("design", CHIPS)
@pytest.mark.parametrize("seed", range(4))
def test_gemm(design: str, stationary: str, seed: int) -> None:
    accelerator = CHIPS[design]
    random = np.random.default_rng(seed)
    edge = 3 * accelerator.array_columns if accelerator.array_columns < 64 else 300
    m, k, n = (int(size) for size in random.integers(1, edge + 2, 3))
    clamp = Range(int(random.integers(-8, 8)), -100, 90)
    compiled = compile_gemm(
        m, k, n, accelerator, output_stationary=stationary == "outputs", clamp=clamp
    )
    x, weights = random_values(random, m, 1, 1, k), random_values(random, k, n)
    values = requantisation(random, n, np.sqrt(k) * 5000)
    expected = requantised(x.reshape(m, k) @ weights, values, clamp)
    found = run_matrix(compiled, accelerator, "gemm", x, weights, values)
    np.testing.assert_array_equal(found.reshape(m, n), expected)


@pytest.mark.parametrize("stationary", ["weights", "outputs"])
@pytest.mark.parametrize("design", CHIPS)
@pytest.mark.parametrize("seed", range(6))
def test_convolution(design: str, stationary: str, seed: int) -> None:
    accelerator = CHIPS[design]
    random = np.random.default_rng(seed)
    kernel = (int(random.integers(1, 4)), int(random.integers(1, 4)))
    window = Window(
        kernel,
        (int(random.integers(1, 3)), int(random.integers(1, 3))),
        tuple(int(pad) for pad in random.integers(0, 3, 4)),  # type: ignore[arg-type]
        (int(random.integers(1, 3)), int(random.integers(1, 3))),
    )
    channels = int(random.integers(1, min(40, 3 * accelerator.array_columns) + 1))
    out_channels = int(random.integers(1, min(40, 3 * accelerator.array_columns) + 1))
    source = Shape(int(random.integers(1, 4)), int(random.integers(5, 9)), 7, channels)
    fill = int(random.integers(-3, 4)) * (seed % 2)
    compiled = compile_convolution(
        source,
        out_channels,
        window,
        accelerator,
        output_stationary=stationary == "outputs",
        fill=fill,
    )
    x = random_values(random, source.images, source.rows, source.columns, channels)
    weights = random_values(random, kernel[0] * kernel[1] * channels, out_channels)
    values = requantisation(random, out_channels, np.sqrt(len(weights)) * 5000)
    expected = requantised(windows(x, window, fill) @ weights, values, Range())
    found = run_matrix(compiled, accelerator, "convolution", x, weights, values)
    np.testing.assert_array_equal(found, expected)
