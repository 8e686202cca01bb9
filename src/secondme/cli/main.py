"""The commands, each a thin call into what does the work. Heavy parts are loaded by the command that needs them."""

import sys
from typing import Annotated

import typer

from secondme import __version__
from secondme.domain.errors import SecondMeError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="SecondMe answers WhatsApp for its owner.",
)
Contact = Annotated[str, typer.Argument(metavar="CONTACT", help="An id, a name or a number.")]
Everybody = Annotated[str, typer.Argument(metavar="all|CONTACT", help="`all`, or an id, a name or a number.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        print(f"secondme {__version__}")
        raise typer.Exit


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="With invented people, to try it.")] = False,
) -> None:
    """Start everything; Ctrl-C stops it."""
    from secondme.cli import serving

    serving.up(with_demo=demo)


@app.command()
def gateway() -> None:
    """Start the gateway alone."""
    from secondme.cli import serving

    serving.alone("gateway")


@app.command()
def orchestrator() -> None:
    """Start the orchestrator alone."""
    from secondme.cli import serving

    serving.alone("orchestrator")


@app.command()
def graph_worker() -> None:
    """Start the graph worker alone."""
    from secondme.cli import serving

    serving.alone("graph-worker")


@app.command()
def dashboard() -> None:
    """Start the dashboard alone."""
    from secondme.cli import serving

    serving.alone("dashboard")


@app.command()
def link() -> None:
    """Print a fresh one-time link to the dashboard."""
    from secondme.cli import people
    from secondme.cli.opening import run

    run(people.link())


@app.command()
def contacts(as_json: AsJson = False) -> None:
    """Everybody who has written, and whether they may be answered."""
    from secondme.cli import people
    from secondme.cli.opening import run

    run(people.contacts(as_json))


@app.command()
def enable(contact: Contact) -> None:
    """Let a contact be answered."""
    from secondme.cli import people
    from secondme.cli.opening import run

    run(people.enable(contact, True))


@app.command()
def disable(contact: Contact) -> None:
    """Never answer a contact."""
    from secondme.cli import people
    from secondme.cli.opening import run

    run(people.enable(contact, False))


@app.command()
def pause(
    whom: Everybody,
    length: Annotated[
        str | None, typer.Option("--for", metavar="2h", help="How long: 30m, 2h, 1d. Else until you resume.")
    ] = None,
) -> None:
    """Stop everything at once, or step back from one contact."""
    from secondme.cli import pausing
    from secondme.cli.opening import run

    raise typer.Exit(run(pausing.pause(whom, length)))


@app.command()
def resume(whom: Everybody) -> None:
    """Lift a pause. What arrived meanwhile stays unanswered."""
    from secondme.cli import pausing
    from secondme.cli.opening import run

    run(pausing.resume(whom))


def main() -> None:
    """Entry point: one line for what goes wrong, never a traceback."""
    try:
        app()
    except SecondMeError as error:
        sys.exit(_failed(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)


def _failed(reason: str) -> int:
    """Say why, in one line."""
    print(f"secondme: {' '.join(reason.split())}", file=sys.stderr)
    return 1
