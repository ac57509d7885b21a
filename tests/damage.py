"""Files that lost bytes, or of which some changed."""

import random


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Single bytes changed, a stretch overwritten, or the end cut off."""
    changed, at = bytearray(content), draw.randrange(len(content))
    kind = draw.randrange(3)
    if kind == 0:
        for _ in range(draw.randrange(1, 9)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
    elif kind == 1:
        stretch = draw.randbytes(draw.randrange(1, 3000))[: len(changed) - at]
        changed[at : at + len(stretch)] = stretch
    else:
        del changed[at:]
    return bytes(changed)
