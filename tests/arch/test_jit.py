import ast
from pathlib import Path

from apollo.arch import jit

ROOT = Path(__file__).resolve().parents[2]


def test_the_cache_knows_every_source_that_a_kernel_imports() -> None:
    seen = {path for pattern in jit._SEEN_BY_KERNELS for path in ROOT.glob(pattern)}
    kernels = [path for path in seen if "njit" in path.read_text() or "@kernel" in path.read_text()]
    assert kernels
    for path in kernels:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("apollo."):
                names = (node.module or "").split(".")[1:]
                assert ROOT.joinpath(*names).with_suffix(".py") in seen, f"{path} imports {names}"
