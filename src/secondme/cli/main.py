"""The commands, each a thin call into what does the work."""

import asyncio
import sys

import typer

from secondme.cli.running import run_services
from secondme.domain.errors import SecondMeError
from secondme.services import NAMES
from secondme.settings import load

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def up() -> None:
    """Start everything in one process."""
    asyncio.run(run_services(load(), NAMES))


@app.command()
def gateway() -> None:
    """Start the gateway alone."""
    asyncio.run(run_services(load(), ["gateway"]))


@app.command()
def orchestrator() -> None:
    """Start the orchestrator alone."""
    asyncio.run(run_services(load(), ["orchestrator"]))


@app.command(name="graph-worker")
def graph_worker() -> None:
    """Start the graph worker alone."""
    asyncio.run(run_services(load(), ["graph-worker"]))


@app.command()
def dashboard() -> None:
    """Start the dashboard alone."""
    asyncio.run(run_services(load(), ["dashboard"]))


def main() -> None:
    """Entry point: one line for what goes wrong, never a traceback."""
    try:
        app()
    except SecondMeError as error:
        print(f"secondme: {error}", file=sys.stderr)
        sys.exit(1)
