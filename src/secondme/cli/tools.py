"""The commands in groups: `db`, `graph`, `config`, `bench`, `models`."""

import json
from pathlib import Path
from typing import Annotated

import typer

db = typer.Typer(no_args_is_help=True, help="The ledger's database.")
graph = typer.Typer(no_args_is_help=True, help="What is known.")
config = typer.Typer(no_args_is_help=True, help="Settings.")
bench = typer.Typer(help="Measure it.")
models = typer.Typer(help="Who is asked, and what that has used today.")


@db.command()
def migrate() -> None:
    """Bring the ledger to the newest schema; `secondme up` does so too."""
    from secondme.cli import database
    from secondme.cli.opening import run

    run(database.bring_up_to_date())


@db.command()
def seed() -> None:
    """Put the default personas where they are missing."""
    from secondme.cli import database
    from secondme.cli.opening import run

    run(database.seed())


@db.command()
def reset(
    erase_server: Annotated[
        bool, typer.Option("--yes-erase-everything", help="Also where DATABASE_URL names a server of yours.")
    ] = False,
) -> None:
    """Erase the ledger, after asking. Never where SECONDME_ENV is production."""
    from secondme.cli import database
    from secondme.cli.opening import run

    run(database.reset(erase_server=erase_server))


@graph.command("migrate")
def migrate_graph() -> None:
    """Bring the graph to the newest schema; `secondme up` does so too."""
    from secondme.cli import graph
    from secondme.cli.opening import run

    run(graph.bring_up_to_date())


@graph.command()
def rebuild() -> None:
    """Write the owner, contacts and personas anew, as the ledger has them. What was learned stays."""
    from secondme.cli import graph
    from secondme.cli.opening import run

    run(graph.rebuild())


@graph.command("schema")
def graph_schema() -> None:
    """Print the schema, for a FalkorDB that is set up without us."""
    from secondme.stores.graph.schema import init_schema

    print(init_schema(), end="")


@graph.command()
def query(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Of a documented query; else all.")
    ] = None,
    values: Annotated[list[str], typer.Argument(metavar="PARAMETER=VALUE")] = [],  # noqa: B006
) -> None:
    """Ask the graph one of the documented queries; one JSON object a row."""
    from secondme.cli import graph
    from secondme.cli.opening import run

    run(graph.query(name, values))


@config.command()
def schema() -> None:
    """Print the JSON schema of secondme.yaml."""
    from secondme.settings import schema

    print(json.dumps(schema(), indent=2))


@models.callback(invoke_without_command=True)
def overview(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from secondme.cli import models
        from secondme.cli.opening import run

        run(models.overview())


@models.command()
def check() -> None:
    """Ask each model once; exit code 1 where one does not answer. It costs a few hundred tokens a model."""
    from secondme.cli import models
    from secondme.cli.opening import run

    raise typer.Exit(0 if run(models.check()) else 1)


@bench.callback(invoke_without_command=True)
def everything(
    context: typer.Context,
    peers: Annotated[Path | None, typer.Option(metavar="DIR", help="Others to compare with.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="This section; may come again.")
    ] = None,
    into: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also for programs.")] = None,
    paper: Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Also for a page.")] = None,
) -> None:
    if context.invoked_subcommand is None:
        from secondme.bench import run

        run(peers, into=into, only=only or (), paper=paper)


@bench.command()
def memory(
    peers: Annotated[Path | None, typer.Option(metavar="DIR", help="Others to compare with.")] = None,
) -> None:
    """What memory's ways cost beside one bare statement each, and beside memory systems: the section `memory` alone."""
    from secondme.bench import run

    run(peers, only=["memory"])


@bench.command()
def voice() -> None:
    """How near the offline mind comes to what people really answered, on two bundled chats."""
    from secondme.cli import bench

    bench.voice()


@bench.command()
def extract(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """How much of what a careful reader takes from messages the rules of memory take, by language."""
    from secondme.cli import bench

    bench.extract(as_json=as_json)
