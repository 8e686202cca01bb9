"""The command line: start the services, and everything the owner may do while they run."""

from secondme.cli.main import main

__all__ = ["main"]
