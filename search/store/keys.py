"""One text for one value: how options are stored and what the evaluation cache is keyed by."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON of a value of dicts, lists, numbers and strings; equal values give equal text.

    Raises `ValueError` when the value has a number that JSON lacks (NaN, infinity).
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_key(value: Any) -> str:
    """32 hexadecimal digits that stand for a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:32]
