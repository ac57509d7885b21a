"""A step as a chart: a row a device, below a row a channel, time from left to right."""

from collections.abc import Sequence
from typing import Any

from apollo.search.placement.instance import Instance
from apollo.search.placement.output.spans import Span, device_spans, transfer_spans
from apollo.search.placement.step import Step

_MS = 1e6  # nanoseconds in a millisecond
_PALETTE = (
    "#1f4e79",
    "#c0504d",
    "#4f9d69",
    "#b8860b",
    "#8064a2",
    "#2e8b9a",
    "#d2691e",
    "#6b7a8f",
    "#a4527f",
    "#708238",
)
_OTHERS, _TRANSFER = "#a9b4c0", "#7f8c9b"
_ROW_PIXELS, _FRAME_PIXELS = 44, 210


def gantt(instance: Instance, step: Step, title: str) -> Any:
    """A plotly figure; operators are coloured by kind, the kinds that take longest first."""
    from plotly.graph_objects import Figure  # slow to import

    operators = [*device_spans(instance, step)]
    transfers = [*transfer_spans(instance, step)]
    rows = [device.name for device in instance.cluster.devices]
    rows += [row for row in instance.cluster.channels if any(s.row == row for s in transfers)]
    figure = Figure()
    for kind, colour, spans in _by_kind(operators):
        figure.add_trace(_bars(spans, kind, colour))
    if transfers:
        figure.add_trace(_bars(transfers, "transfer", _TRANSFER))
    figure.update_layout(
        title={"text": f"{title}<br><sup>{_subtitle(instance, step)}</sup>", "x": 0.02},
        template="plotly_white",
        font={"family": "Helvetica, Arial, sans-serif", "size": 13},
        barmode="overlay",
        bargap=0.25,
        height=_FRAME_PIXELS + _ROW_PIXELS * len(rows),
        legend={"orientation": "h", "y": -0.18, "yanchor": "top", "x": 0},
        margin={"l": 90, "r": 24, "t": 90, "b": 60},
    )
    figure.update_xaxes(title_text="ms", range=[0, step.step_ns / _MS])
    figure.update_yaxes(categoryorder="array", categoryarray=rows[::-1], showgrid=False)
    return figure


def _by_kind(spans: Sequence[Span]) -> list[tuple[str, str, list[Span]]]:
    """Kind, colour and spans of the kinds that take longest, and of all others together."""
    kinds: dict[str, list[Span]] = {}
    for span in spans:
        kinds.setdefault(span.kind, []).append(span)
    ordered = sorted(kinds.items(), key=lambda item: -sum(s.end_ns - s.begin_ns for s in item[1]))
    count = len(_PALETTE)
    shown = [(kind, _PALETTE[n], own) for n, (kind, own) in enumerate(ordered[:count])]
    rest = [span for _, own in ordered[count:] for span in own]
    return [*shown, ("others", _OTHERS, rest)] if rest else shown


def _bars(spans: Sequence[Span], name: str, colour: str) -> Any:
    from plotly.graph_objects import Bar

    return Bar(
        name=name,
        orientation="h",
        y=[span.row for span in spans],
        base=[span.begin_ns / _MS for span in spans],
        x=[(span.end_ns - span.begin_ns) / _MS for span in spans],
        marker={"color": colour, "line": {"width": 0}},
        text=[_hover(span) for span in spans],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
    )


def _hover(span: Span) -> str:
    lasts = f"{(span.end_ns - span.begin_ns) / 1000:,.1f} µs"
    return f"{span.name}<br>{span.kind}, {lasts}, {span.size_bytes:,} bytes"


def _subtitle(instance: Instance, step: Step) -> str:
    """Step time, how busy the devices are and what they hold."""
    parts = [f"step {step.step_ns / _MS:,.3f} ms"]
    for number, device in enumerate(instance.cluster.devices):
        own = step.device == number
        if not own.any():
            continue
        busy = int((step.finish_ns - step.start_ns)[own].sum()) / max(1, step.step_ns)
        parts.append(f"{device.name} {busy:.0%} busy, {step.peak_bytes[number] / 2**30:.2f} GiB")
    return ", ".join(parts)
