"""The command line. Commands hold no logic; each loads its part of calve only when it is called."""

from __future__ import annotations

import importlib
import sys

import click

from calve.errors import CalveError, SettingsError

# name → (module, attribute, one line for the list)
_COMMANDS = {
    "run": ("calve.cli.lake", "run", "Bring pipelines up to date: land, curate, audit, publish, expose."),
    "status": ("calve.cli.look", "status", "Show what is published, served, running and overdue."),
    "history": ("calve.cli.look", "history", "List publications and blocked runs, newest first."),
    "ledger": ("calve.cli.look", "ledger", "Show which interval of which dataset is present, and from where."),
    "audit": ("calve.cli.look", "audit", "Explain a verdict."),
    "publish": ("calve.cli.lake", "publish", "Publish a run whose audit has passed."),
    "rollback": ("calve.cli.lake", "rollback", "Go back to an earlier publication, as a new publication."),
    "expose": ("calve.cli.lake", "expose", "Make Snowflake serve the newest publications."),
    "maintain": ("calve.cli.lake", "maintain", "Remove what retention lets go."),
    "report": ("calve.cli.lake", "report", "Write the page from what Snowflake serves."),
    "manifest": ("calve.cli.kubernetes", "manifest", "Print the SparkApplication that makes an interval."),
    "triage": ("calve.cli.kubernetes", "triage", "Say why a SparkApplication failed, and what to type."),
    "alerts": ("calve.cli.alerts", "alerts", "List alerts, deliver them, try a route."),
    "validate": ("calve.cli.contracts", "validate", "Check contracts, sources and pipelines; report all mistakes."),
    "diff": ("calve.cli.contracts", "diff", "Say what a change of contracts changes, and what follows."),
    "docs": ("calve.cli.contracts", "docs", "Write the data dictionary."),
    "schema": ("calve.cli.contracts", "schema", "Write the JSON Schemas that editors use."),
    "new": ("calve.cli.contracts", "new", "Write the three files that a new dataset needs."),
    "doctor": ("calve.doctor", "doctor", "Check every connection, credential and permission."),
    "local": ("calve.standin.local.command", "local", "Start, stop and look at the local engine."),
    "source": ("calve.standin.source.command", "source", "Fill the demo's source database, plant and repair defects."),
    "version": ("calve.cli.version", "version", "Print commit, contract digest and versions."),
    "demo": ("calve.cli.demo", "demo", "Run the whole story on this machine."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        try:
            found: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            # An image holds its own half of calve.
            msg = f"calve {cmd_name}: needs {error.name}, which is not installed here; run it in the other image"
            raise SettingsError(msg) from error
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.command(cls=_Lazy)
@click.version_option(package_name="calve")
def cli() -> None:
    """Audited lakehouse pipelines.

    No reader, in the lake or in Snowflake, sees a row that was not audited or a run half published; any command
    may be killed anywhere and run again with the same result.

    Exit codes: 0 done, 65 the data or the input is wrong and a retry can't help, 75 a retry may help.
    """


def main() -> None:
    """Run the command line; a deliberate failure ends with its message and its exit code."""
    try:
        cli()
    except CalveError as error:
        click.echo(f"calve: {error}", err=True)
        sys.exit(error.exit_code)
