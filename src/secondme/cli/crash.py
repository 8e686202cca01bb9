"""What is said when something breaks that nobody foresaw: one line here, types and places in the log."""

import tempfile
from pathlib import Path

from secondme.observe.logs import configure, get_logger


def explain(error: Exception) -> str:
    """Log it through the guard; returns the line for the owner."""
    folder = _folder()
    configure("cli", data_dir=folder, stderr=False)
    get_logger("cli").critical("command.crashed", exc_info=error)
    return (
        f"Something broke that should not ({type(error).__name__}). What and where is in "
        f"{folder / 'logs' / 'cli.jsonl'}; please report it."
    )


def _folder() -> Path:
    """The data directory, or a temporary folder where that cannot be had."""
    try:
        from secondme.embedded.folder import open_folder
        from secondme.loading import load

        return open_folder(load().data_dir)
    except Exception:
        return Path(tempfile.mkdtemp(prefix="secondme-"))
