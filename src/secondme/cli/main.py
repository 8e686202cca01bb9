"""The commands, each a thin call into what does the work. Heavy parts are loaded by the command that needs them."""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from secondme import __version__
from secondme.cli import rights, tools
from secondme.cli.arguments import AsJson, Contact
from secondme.domain.errors import ConfigError, SecondMeError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="SecondMe answers WhatsApp for its owner.",
)
app.add_typer(tools.db, name="db")
app.add_typer(tools.graph, name="graph")
app.add_typer(tools.config, name="config")
app.add_typer(tools.bench, name="bench")
app.add_typer(tools.models, name="models")
app.add_typer(rights.commands)
Everybody = Annotated[str, typer.Argument(metavar="all|CONTACT", help="`all`, or an id, a name or a number.")]


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        print(f"secondme {__version__}")
        raise typer.Exit


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="With invented people, to try it.")] = False,
    processes: Annotated[bool, typer.Option("--processes", help="Each service in its own process.")] = False,
) -> None:
    """Start everything; Ctrl-C stops it."""
    print("Starting …", flush=True)
    from secondme.cli import serving

    serving.up(with_demo=demo, processes=processes)


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
def contact(
    contact: Contact,
    relationship: Annotated[
        str | None, typer.Option(help="friend, family, colleague, client, manager, acquaintance.")
    ] = None,
    persona: Annotated[
        str | None, typer.Option(help="professional, casual, family or own, instead of the one that fits.")
    ] = None,
) -> None:
    """Say how you know a contact."""
    if relationship is None and persona is None:
        raise typer.BadParameter("say what to change", param_hint="--relationship, --persona")
    from secondme.cli import people
    from secondme.cli.opening import run

    run(people.relate(contact, relationship, persona))


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


@app.command()
def status(as_json: AsJson = False) -> None:
    """How things stand."""
    from secondme.cli import status
    from secondme.cli.opening import run

    run(status.status(as_json))


@app.command()
def send(
    contact: Contact,
    template: Annotated[str | None, typer.Option(help="The name of a template.")] = None,
    language: Annotated[str, typer.Option(help="Of the template.")] = "en_US",
    param: Annotated[list[str], typer.Option(help="For its text, one each: TEXT or NAME=TEXT.")] = [],  # noqa: B006
    header: Annotated[str | None, typer.Option(help="For its header: TEXT, NAME=TEXT, or KIND:ID.")] = None,
    button: Annotated[list[str], typer.Option(help="For its buttons that need a value.")] = [],  # noqa: B006
    media: Annotated[str | None, typer.Option(help="KIND:ID, with Meta's id of it.")] = None,
    caption: Annotated[str | None, typer.Option(help="Under a picture, video or document.")] = None,
    filename: Annotated[str | None, typer.Option(help="Of a document.")] = None,
    account: Annotated[str | None, typer.Option(help="Where several are on Meta's API.")] = None,
) -> None:
    """Send a template or a medium to somebody, by Meta's API."""
    from secondme.cli import sending
    from secondme.cli.opening import run

    parts = sending.TemplateParts(template, language, param, header, button)
    medium = sending.Medium(media, caption, filename)
    raise typer.Exit(run(sending.send(contact, parts, medium, account)))


@app.command()
def chat(
    profile: Annotated[
        str | None, typer.Option(help="clone, support or journal; else the first account.")
    ] = None,
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="Who you are.")] = "You",
    once: Annotated[str | None, typer.Option(metavar="TEXT", help="Say this, print the answer, end.")] = None,
    as_json: AsJson = False,
) -> None:
    """Talk to SecondMe in the terminal."""
    if as_json and once is None:
        raise typer.BadParameter("goes with --once TEXT", param_hint="--json")
    if once is not None and not once.strip():
        raise typer.BadParameter("say something", param_hint="--once")
    from secondme.cli import chat
    from secondme.cli.opening import run

    run(chat.chat(profile, name, once, as_json=as_json))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A chat as WhatsApp exports it, .txt or .zip.")],
    me: Annotated[str | None, typer.Option(metavar="NAME", help="You, as the chat names you.")] = None,
    keep_voice: Annotated[bool, typer.Option("--keep-voice", help="Keep replies of yours.")] = False,
    whom: Annotated[str | None, typer.Option("--with", metavar="CONTACT", help="Who the other is.")] = None,
    relationship: Annotated[str | None, typer.Option(metavar="friend|…", help="How you know them.")] = None,
    no_model: Annotated[bool, typer.Option("--no-model", help="Have no model read it for memory.")] = False,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask before a model does.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for memory to learn.")] = False,
    date_order: Annotated[str | None, typer.Option(metavar="dmy|mdy|ymd", help="If it is not clear.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read it and store nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --dry-run: one message a line.")] = False,
) -> None:
    """Learn from a chat that you exported: your voice, and what was said."""
    if as_json and not dry_run:
        raise typer.BadParameter("goes with --dry-run", param_hint="--json")
    from secondme.cli import importing

    if dry_run:
        importing.dry_run(file, date_order, as_json=as_json)
    elif me is None:
        importing.list_authors(file, date_order)
    else:
        from secondme.cli.opening import run

        wishes = importing.Wishes(me, date_order, keep_voice, whom, relationship, not no_model, sure, detach)
        run(importing.learn(file, wishes))


@app.command()
def doctor() -> None:
    """Check what SecondMe stands on; exit code 1 where something is to mend."""
    from secondme.cli import doctor
    from secondme.cli.opening import run

    raise typer.Exit(0 if run(doctor.doctor()) else 1)


def main() -> None:
    """Entry point: a line for each thing that is wrong, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a terminal that lacks a letter is no reason to fail
    try:
        app()
    except ConfigError as error:
        sys.exit(_failed(*error.problems))
    except SecondMeError as error:
        sys.exit(_failed(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from secondme.cli.crash import explain

        sys.exit(_failed(explain(error)))


def _failed(*reasons: str) -> int:
    """Say why, a line each; they may name what strangers call themselves."""
    from secondme.cli.show import plain

    lines = [plain(" ".join(reason.split())) for reason in reasons]
    if len(lines) > 1:
        lines = [f"{len(lines)} settings to mend:", *(f"  {line}" for line in lines)]
    print("secondme: " + "\n".join(lines), file=sys.stderr)
    return 1
