import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import numba
import pytest

from apollo.arch import jit
from apollo.arch.compiling import tell_when_compiling

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


KERNEL = """
from apollo.arch.jit import kernel

@kernel
def twice(number):
    return 2 * number
"""


def imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_compiling_is_told_once_and_nothing_where_the_cache_has_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    path, heard = tmp_path / "doubling.py", []
    path.write_text(KERNEL)
    for number in (2, 2.0, 2):  # the last one as in a process that comes later
        module = imported(path)
        tell_when_compiling(lambda number=number: heard.append(number))
        assert module.twice(number) == 4
        assert module.twice(number) == 4
    assert [*map(type, heard)] == [int, float]


def test_without_a_folder_to_write_to_kernels_are_compiled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "alone.py"
    path.write_text(KERNEL)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)  # by which Numba tries folders
    with pytest.raises(RuntimeError, match="cannot cache function"):
        numba.njit(cache=True)(imported(path).twice.py_func)
    assert imported(path).twice(2) == 4
