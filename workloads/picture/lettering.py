"""How wide texts are, and texts cut to a width.

Whoever looks at a picture chooses the font. The widths are those of DejaVu Sans or a little more,
one of the widest among the usual sans-serif fonts.
"""

NARROW, WIDE = frozenset("fijlrtIJ ./\\-:;,'`|!()[]{}"), frozenset("mwMW@%&+=<>~…—")
OTHER_LETTERS = "\u0250"  # from here on, letters may be as wide as they are high
ELLIPSIS = "…"


def width_of(text: str, size: float) -> float:
    """Width of a text in pixels, rather too large than too small."""
    return size * sum(map(_share, text))


def fit(text: str, room: float, size: float) -> str:
    """A text cut in its middle to the room in pixels: what tells names apart is at their ends."""
    if width_of(text, size) <= room:
        return text
    left = room - width_of(ELLIPSIS, size)
    ends = ["", ""]
    for index in range(len(text)):
        taken = index // 2
        letter = text[-1 - taken] if index % 2 else text[taken]
        left -= width_of(letter, size)
        if left < 0:
            break
        ends[index % 2] += letter
    return ends[0] + ELLIPSIS + ends[1][::-1]


def _share(letter: str) -> float:
    """Width over the font size."""
    if letter in NARROW:
        return 0.41
    if letter in WIDE or letter >= OTHER_LETTERS:
        return 1.0
    return 0.77 if letter.isupper() else 0.636
