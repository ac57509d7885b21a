import hashlib
from collections import Counter

import pytest

from tests.workloads.wild import ENTRIES, wild


@pytest.mark.parametrize("name", ENTRIES)
def test_a_model_is_the_one_in_the_table(name: str) -> None:
    model = wild(name).read_bytes()
    assert len(model) == ENTRIES[name].bytes
    assert hashlib.sha256(model).hexdigest() == ENTRIES[name].sha256


def test_the_table_is_wide_enough() -> None:
    formats = Counter(entry.format for entry in ENTRIES.values())
    integers = [entry for entry in ENTRIES.values() if entry.quantized not in ("", "float16")]
    assert len({entry.package for entry in ENTRIES.values()}) >= 10
    assert formats["onnx"] >= 10
    assert formats["tflite"] >= 10
    assert len(integers) >= 8
