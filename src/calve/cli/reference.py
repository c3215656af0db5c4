"""The page of commands: what `--help` says, of every command and sub-command, in one place.

Written from the commands themselves; says nothing that `--help` doesn't.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from calve.effects import effect

FILE = "commands.md"
WIDTH = 100


def write_commands(root: click.Command, out: Path) -> Path:
    """Write the page into a folder and return its path."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / FILE
    with effect("docs.write"):
        path.write_text(commands_page(root), encoding="utf-8")
    return path


def commands_page(root: click.Command) -> str:
    """Return the page's Markdown."""
    head = "<!-- Written by `calve docs` from the commands; change their help, not this page. -->\n# Commands\n"
    return head + "".join(_pages(root, None))


def _pages(command: click.Command, above: click.Context | None) -> Iterator[str]:
    name = "calve" if above is None else command.name
    context = click.Context(command, info_name=name, parent=above, max_content_width=WIDTH, terminal_width=WIDTH)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"\n## {context.command_path}\n\n```text\n{text}\n```\n"
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            if (found := command.get_command(context, sub)) is not None:
                yield from _pages(found, context)
