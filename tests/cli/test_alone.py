"""Commands while nothing runs: each starts the stores for itself, and leaves none behind."""

import json
import signal
from collections.abc import Iterator

import pytest

from tests.cli.conftest import SAMPLES, Instance


@pytest.fixture(autouse=True)
def leaves_no_process(shared: Instance) -> Iterator[None]:
    yield
    assert shared.gone() == []


def test_a_first_import_makes_the_ledger(shared: Instance) -> None:
    viktor = str(SAMPLES / "viktor" / "_chat.txt")
    done = shared.run("import", viktor, "--me", "Viktor Hale")
    assert "858 of them by Viktor Hale" in done.stdout and "With --keep-voice also" in done.stdout
    assert "Creating the database" in done.stderr
    assert (shared.data_dir / "secret.key").stat().st_mode & 0o777 == 0o600


def test_chat_brings_a_pipeline_of_its_own(shared: Instance) -> None:
    done = shared.run("chat", "--once", "do you have a minute?", "--json")
    found = json.loads(done.stdout)
    assert found["reply"] and found["parts"] == found["reply"].splitlines()
    assert (found["outcome"], found["rule"], found["mind"]) == ("replied", "contact.enabled", "offline")
    assert "(chat:You) may be answered from now on" in done.stderr


def test_ctrl_c_ends_a_chat(shared: Instance) -> None:
    with shared.start("chat", "--as", "Ana") as chat:
        chat.until("Ctrl-D ends")
        assert chat.stop(signal.SIGINT) == 130
        assert "Traceback" not in chat.said()


def test_sigterm_ends_a_command_with_its_stores(shared: Instance) -> None:
    with shared.start("chat", "--as", "Ana") as chat:
        chat.until("Ctrl-D ends")
        assert chat.stop(signal.SIGTERM) == 143


def test_migrate_and_seed(shared: Instance) -> None:
    assert "already has schema" in shared.run("db", "migrate").stdout
    assert "4 personas" in shared.run("db", "seed").stdout


def test_a_stop_that_the_ledger_cannot_take_is_held(shared: Instance) -> None:
    held = shared.data_dir / "run" / "held-press.json"
    done = shared.run("pause", "all", "--for", "1h", code=3, DATABASE_URL="postgresql://x:y@127.0.0.1:1/z")
    assert "held, not committed" in done.stdout and "until `secondme resume all`" in done.stdout
    assert held.exists()
    assert shared.json("status", "--json")["switch"]["stopped"] is True
    assert not held.exists()
    assert "runs again" in shared.run("resume", "all").stdout


def test_a_stop_is_held_whatever_is_broken(shared: Instance) -> None:
    """Settings that cannot be read, and an address that no error of ours explains."""
    held, settings = shared.data_dir / "run" / "held-press.json", shared.home / "secondme.yaml"
    settings.write_text("profile: [unclosed")
    done = shared.run("pause", "all", code=3, SECONDME_DATA_DIR=str(shared.data_dir))
    settings.unlink()
    assert "held, not committed" in done.stdout and "secondme.yaml cannot be read" in done.stdout
    assert held.exists()
    held.unlink()
    done = shared.run("pause", "all", code=3, DATABASE_URL="postgresql://x:secret-word@[::1/z")
    assert "held, not committed" in done.stdout and "secret-word" not in done.stdout + done.stderr
    assert held.exists()
    held.unlink()


def test_a_server_of_ones_own_that_is_away_is_one_line(shared: Instance) -> None:
    said = shared.refused("contacts", DATABASE_URL="postgresql://x:y@127.0.0.1:1/z")
    assert "DATABASE_URL" in said and "y@" not in said


def test_a_reset_wants_to_be_meant(shared: Instance) -> None:
    assert "production" in shared.refused("db", "reset", typed="reset\n", SECONDME_ENV="production")
    assert "--yes-erase-everything" in shared.refused(
        "db", "reset", typed="reset\n", DATABASE_URL="postgresql://x/y"
    )
    assert "Nothing was erased" in shared.refused("db", "reset", typed="yes\n")
    assert "is empty" in shared.run("db", "reset", typed="reset\n").stdout
    assert shared.json("contacts", "--json") == []


def test_what_breaks_is_one_line_and_a_log(shared: Instance) -> None:
    said = shared.refused("contacts", DATABASE_URL="postgresql://x:secret-word@[::1/z")
    log = shared.data_dir / "logs" / "cli.jsonl"
    assert str(log) in said
    assert "command.crashed" in log.read_text() and "secret-word" not in log.read_text()
