"""Commands of which one needs no name: `apollo place GRAPH` beside `apollo place train …`."""

from typing import Any

from typer.core import TyperGroup

DEFAULT = "run"


class DefaultGroup(TyperGroup):
    """A group that takes a first word that is no command's name for an argument of `run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where the first word is none; options of the group stay first."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [DEFAULT, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The commands, and what the first argument of `run` may be."""
        argument = self.commands[DEFAULT].params[0]
        named = argument.shell_complete(ctx, incomplete)
        return [*super().shell_complete(ctx, incomplete), *named]
