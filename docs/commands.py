"""The directive `apollo-commands`: every command with its arguments and options, from its help."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from apollo.cli import app

HEADS = ("option", "what", "default")


def commands(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command below a group, by its words."""
    for name, command in group.commands.items():
        words = (*before, name)
        below = getattr(command, "commands", None)
        if below is None or command.invoke_without_command:
            yield " ".join(words), command
        if below is not None:
            yield from commands(command, words)


def usage(name: str, command: Any) -> str:
    """What a command is given, in order."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    words = [f"{each.name.upper()}{'…' if each.nargs < 0 else ''}" for each in arguments]
    parts = [
        word if each.required else f"[{word}]" for word, each in zip(words, arguments, strict=True)
    ]
    return " ".join(["apollo", name, *parts, "[OPTIONS]"])


def rows(command: Any) -> Iterator[tuple[str, str, str]]:
    """Its arguments and options."""
    for parameter in command.params:
        is_option = parameter.param_type_name == "option"
        names = [*parameter.opts, *parameter.secondary_opts] if is_option else [parameter.name]
        usual = "must be given" if parameter.required else parameter.default
        is_said = usual is not None and usual is not False and not callable(usual)
        yield ", ".join(names), parameter.help or "", str(usual) if is_said else ""


class Commands(SphinxDirective):
    """Sections, one a command."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Build them from the commands themselves."""
        group = typer.main.get_command(app)
        return [self._section(name, command) for name, command in commands(group)]

    def _section(self, name: str, command: Any) -> nodes.section:
        section = nodes.section(ids=[f"apollo-{name.replace(' ', '-')}"], names=[name])
        section += nodes.title(text=f"apollo {name}")
        section += nodes.paragraph("", "", *_text(command.help or ""))
        section += nodes.literal_block(text=usage(name, command), language="text")
        section += self._table([*rows(command)])
        return section

    def _table(self, cells: list[tuple[str, str, str]]) -> nodes.table:
        group = nodes.tgroup(cols=len(HEADS))
        group += [nodes.colspec(colwidth=width) for width in (25, 55, 20)]
        group += nodes.thead("", _row(HEADS, is_code=False))
        group += nodes.tbody("", *(_row(each, is_code=True) for each in cells))
        return nodes.table("", group)


def _row(texts: tuple[str, ...], *, is_code: bool) -> nodes.row:
    """Cells of a row; the first one is code in all rows but the head."""
    first = [nodes.literal(text=texts[0])] if is_code else _text(texts[0])
    parts = [first, *map(_text, texts[1:])]
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *each)) for each in parts))


def _text(text: str) -> list[nodes.Node]:
    """A text in which what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", text)
    return [nodes.literal(text=part) if k % 2 else nodes.Text(part) for k, part in enumerate(parts)]


def setup(sphinx: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    sphinx.add_directive("apollo-commands", Commands)
    return {"parallel_read_safe": True}
