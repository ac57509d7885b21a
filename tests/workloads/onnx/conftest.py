import pytest

from tests.workloads.onnx.build import Net


@pytest.fixture
def net(tmp_path):
    return lambda shape, **options: Net(tmp_path / "net.onnx", shape, **options)
