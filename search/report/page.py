"""A report as one file that needs no network: text, figures and plotly.js, compressed within it."""

import base64
import gzip
import json
from collections.abc import Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from apollo.search.report.design_section import design_section
from apollo.search.report.files import whole_file
from apollo.search.report.section import Section
from apollo.search.report.sections import (
    best_section,
    causes_section,
    course_section,
    front_section,
    importance_section,
    map_section,
    parallel_section,
    summary_section,
)
from apollo.search.report.source import Source
from apollo.search.report.summary import tiles
from apollo.search.report.theme import TEMPLATE

_TEMPLATES = "apollo.search.report"


def report_sections(sources: Sequence[Source], chosen: int | None = None) -> list[Section]:
    """All sections, in their order."""
    return [
        summary_section(sources),
        course_section(sources),
        front_section(sources),
        best_section(sources),
        design_section(sources, chosen),
        parallel_section(sources),
        importance_section(sources),
        causes_section(sources),
        map_section(sources),
    ]


def report_html(sources: Sequence[Source], chosen: int | None = None) -> str:
    """The page of a report; the same for the same rows."""
    import jinja2
    from plotly.offline import get_plotlyjs

    sections = report_sections(sources, chosen)
    data = {"template": TEMPLATE, "sections": [section.as_json() for section in sections]}
    names = [source.name for source in sources]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("report.html").render(
        title=" and ".join(names) if len(names) < 4 else f"{len(names)} studies",
        about=_about(sources),
        tiles=tiles(sources),
        sections=sections,
        style=_text("report.css"),
        script=_text("report.js"),
        data=compressed(json.dumps(data, allow_nan=False, separators=(",", ":"))),
        plotly=compressed(get_plotlyjs()),
        version=metadata.version("apollo-dse"),
        plotly_version=metadata.version("plotly"),
    )


def write_report(sources: Sequence[Source], path: Path, chosen: int | None = None) -> None:
    """Write the page; `chosen` is the trial that is shown in detail at first.

    Raises `ValueError`, one sentence, when the file cannot be written.
    """
    page = report_html(sources, chosen)
    with whole_file(path) as part:
        part.write_text(page, encoding="utf-8")


def compressed(text: str) -> str:
    """Text as the page's script reads it: gzip in base64, always the same."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _about(sources: Sequence[Source]) -> str:
    """What was searched, in a sentence."""
    options: dict[str, Any] = dict(sources[0].row.options)
    networks = ", ".join(options.get("networks", ()))
    if not networks:
        return ""
    asked = ", ".join(options.get("objectives", ())).replace("_", " ")
    kept = ", ".join(options.get("constraints", ())).replace("<=", "≤").replace(">=", "≥")
    against = f", relative to {options['baseline']}" if "baseline" in options else ""
    return f"Designs for {networks}. Reward: {asked}{against}{f'; with {kept}' if kept else ''}."


def _text(name: str) -> str:
    return resources.files(_TEMPLATES).joinpath("templates", name).read_text(encoding="utf-8")
