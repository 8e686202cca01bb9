"""What several commands take."""

from typing import Annotated

import typer

Contact = Annotated[str, typer.Argument(metavar="CONTACT", help="An id, a name or a number.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
