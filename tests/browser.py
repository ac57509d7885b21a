"""A headless Chromium that opens a page, and what it said and asked for meanwhile."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

LARGE, SMALL = (1440, 900), (390, 844)  # a desk and a phone
_DRAWING_MS, _ACTING_MS = 120_000, 30_000  # bounds for a page that hangs, not for its speed
# Root needs the first and a container the second; the others draw WebGL without a graphics card.
_ARGUMENTS = (
    *("--no-sandbox", "--disable-dev-shm-usage"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
)


@dataclass
class Opened:
    """A page, and what was seen since it was opened."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def all(self, script: str, selector: str) -> list[Any]:
        """What a function of JavaScript says of every element of a selector."""
        return list(self.page.eval_on_selector_all(selector, f"all => all.map({script})"))


def chromium() -> str:
    """The path of the browser; skips the test where there is none, but not in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        assert not os.environ.get("CI"), "CI must have Chromium."
        pytest.skip("Chromium is not installed.")
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """The browser, for as long as the context lasts."""
    from playwright.sync_api import sync_playwright

    executable = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=list(_ARGUMENTS))
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def opened(browser: Any, path: Path, size: tuple[int, int]) -> Iterator[Opened]:
    """The page of a report at that size, drawn."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(_ACTING_MS)
    seen = Opened(context.new_page())
    seen.page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    try:
        seen.page.goto(path.resolve().as_uri())
        seen.page.wait_for_selector("body[data-state=drawn]", timeout=_DRAWING_MS)
        yield seen
    finally:
        context.close()
