"""The commands about what is known: who may hear it, who is who, and what goes. Beside the others, without a group."""

from pathlib import Path
from typing import Annotated

import typer

from secondme.cli.arguments import AsJson, Contact

commands = typer.Typer()
FactId = Annotated[str, typer.Argument(metavar="FACT", help="The id of a fact.")]
With = Annotated[str, typer.Argument(metavar="with", help="The word `with`.")]
Listener = Annotated[str, typer.Argument(metavar="CONTACT|everyone", help="Who may hear it.")]

Known = Annotated[str, typer.Argument(help="A contact, or something known: by id or name.")]


@commands.command()
def facts(
    contact: Annotated[
        str | None, typer.Argument(metavar="CONTACT", help="An id, a name or a number.")
    ] = None,
    why: Annotated[str | None, typer.Option(metavar="FACT", help="Where this one comes from.")] = None,
    as_json: AsJson = False,
) -> None:
    """What a contact told and what they may hear, or where one fact comes from."""
    if (contact is None) == (why is None):
        raise typer.BadParameter("say either whose facts, or --why FACT", param_hint="CONTACT")
    from secondme.cli import knowing
    from secondme.cli.opening import run

    run(knowing.facts(contact, as_json) if contact is not None else knowing.why(why or "", as_json))


@commands.command()
def ask(
    question: str,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Have no model answer: list the facts.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What memory has on a question, such as "who works at Acme?"; in words where a model is set."""
    from secondme.cli import knowing
    from secondme.cli.opening import run

    run(knowing.ask(question, as_json, by_model=not no_model))


@commands.command()
def share(fact: FactId, word: With, whom: Listener) -> None:
    """Let somebody else hear a fact."""
    _expect_with(word)
    from secondme.cli import knowing
    from secondme.cli.opening import run

    run(knowing.share(fact, whom))


@commands.command()
def unshare(fact: FactId, word: With, whom: Listener) -> None:
    """Take that back. Who was there when it was said goes on hearing it."""
    _expect_with(word)
    from secondme.cli import knowing
    from secondme.cli.opening import run

    run(knowing.unshare(fact, whom))


@commands.command()
def merge(one: Known, other: Known) -> None:
    """Say that two are one: two contacts, two people, companies, …, or a contact and a person."""
    from secondme.cli import knowing
    from secondme.cli.opening import run

    run(knowing.merge(one, other))


@commands.command()
def unmerge(one: Known, other: Known) -> None:
    """Take that back."""
    from secondme.cli import knowing
    from secondme.cli.opening import run

    run(knowing.unmerge(one, other))


@commands.command()
def export(
    contact: Contact,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Into a new file that only you read.")
    ] = None,
) -> None:
    """Print everything that is kept about a contact, as JSON."""
    from secondme.cli import parting
    from secondme.cli.opening import run

    run(parting.export(contact, out))


@commands.command()
def forget(
    what: Annotated[str, typer.Argument(metavar="CONTACT|FACT", help="An id, a name or a number.")],
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a contact everywhere, or a fact."""
    from secondme.cli import parting
    from secondme.cli.opening import run

    raise typer.Exit(run(parting.forget(what, sure=sure)))


def _expect_with(word: str) -> None:
    if word != "with":
        raise typer.BadParameter("write it as `share FACT with CONTACT`", param_hint="with")
