"""What needs no stores: help, versions, dry runs, wrong input. Nothing is made on the disk."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from secondme import __version__
from tests.cli.conftest import LENA, ROOT, SAMPLES, Instance

COMMANDS = """
up gateway orchestrator graph-worker dashboard link import chat contacts enable disable contact pause resume
status export forget facts ask share unshare merge unmerge db config doctor bench models
"""


@pytest.fixture(autouse=True)
def leaves_nothing(shared: Instance) -> Iterator[None]:
    yield
    assert not shared.data_dir.exists()


def test_help_names_every_command(shared: Instance) -> None:
    shown = shared.run("--help").stdout
    assert [name for name in COMMANDS.split() if f" {name} " not in shown] == []


def test_version(shared: Instance) -> None:
    assert shared.run("--version").stdout == f"secondme {__version__}\n"


@pytest.mark.parametrize("args", [["flows"], ["nope", "x"]])
def test_an_unknown_command_is_said_so(shared: Instance, args: list[str]) -> None:
    assert f"No such command '{args[0]}'" in shared.run(*args, code=2).stderr


def test_a_dry_run_prints_one_object_a_line(shared: Instance) -> None:
    lines = shared.run("import", str(LENA), "--me", "Lena Brandt", "--dry-run", "--json").stdout.splitlines()
    messages = [json.loads(line) for line in lines]
    assert len(messages) == 1932
    assert set(messages[0]) == {"at", "author", "kind", "text", "attachment"}
    assert messages[1] == {
        "at": "2026-01-02T11:12:00",
        "author": "Lena Brandt",
        "kind": "text",
        "text": "heyy",
        "attachment": None,
    }


def test_a_dry_run_is_utf8_in_any_locale(shared: Instance) -> None:
    chat = shared.home / "chat.txt"
    chat.write_text(
        "[2026-01-31, 10:00:00] Zoë: ça va? 🌙\n[2026-01-31, 10:01:00] Ana: sí\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "secondme.cli", "import", str(chat), "--dry-run", "--json"],
        env=shared.env
        | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout.decode().splitlines()[0])["text"] == "ça va? 🌙"


def test_a_dry_run_without_json_says_who_writes(shared: Instance) -> None:
    shown = shared.run("import", str(SAMPLES / "viktor" / "_chat.txt"), "--dry-run").stdout
    assert "1,735 messages" in shown and "Viktor Hale" in shown and "Priya Nair" in shown


def test_without_me_the_authors_are_listed(shared: Instance) -> None:
    done = shared.run("import", str(LENA))
    assert "Lena Brandt" in done.stdout and "Mara Ruiz" in done.stdout
    assert "Nothing was kept" in done.stdout and "--me" in done.stdout


@pytest.mark.parametrize("content", [None, b"just some words\nof no chat\n"])
def test_what_is_no_export_is_one_line(shared: Instance, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "no.txt"
    if content is not None:
        file.write_bytes(content)
    assert len(shared.refused("import", str(file), "--dry-run", "--json")) > 40


def test_what_is_no_export_starts_nothing(shared: Instance) -> None:
    assert "There is no file" in shared.refused("import", "gone.zip", "--me", "Ana")


def test_dates_that_read_two_ways_name_the_option(shared: Instance, tmp_path: Path) -> None:
    file = tmp_path / "chat.txt"
    file.write_text("02/03/2026, 10:00 - Ana: hi\n02/03/2026, 10:01 - Ben: ho\n")
    assert "--date-order" in shared.refused("import", str(file), "--dry-run", "--json")
    shown = shared.run("import", str(file), "--dry-run", "--json", "--date-order", "dmy").stdout
    assert json.loads(shown.splitlines()[0])["at"] == "2026-03-02T10:00:00"


@pytest.mark.parametrize("args", [["contacts"], ["resume", "all"]])
def test_nothing_is_made_for_a_question(shared: Instance, args: list[str]) -> None:
    assert "secondme up" in shared.refused(*args)


def test_doctor_before_the_first_start(shared: Instance) -> None:
    """It looks at what needs no store, says what it could not look at, and does not call that well."""
    shown = shared.run("doctor").stdout
    assert "offline: no model is set" in shown and "channel of main" in shown
    assert "nothing has been started yet: `secondme up`" in shown
    assert "Not looked at: stores and clock." in shown and "All is well" not in shown
    shown = shared.run(
        "doctor", code=1, SECONDME_MODELS="ollama:x", OLLAMA_BASE_URL="http://127.0.0.1:1"
    ).stdout
    assert [line.split("  ")[1].strip() for line in shown.splitlines() if "MEND" in line] == ["mind"]


def test_doctor_goes_on_where_settings_are_wrong(shared: Instance) -> None:
    wrong: dict[str, str] = {"SECONDME_CHANNEL": "whatsapp_cloud", "SECONDME_TIMEZONE": "Mars/Olympus"}
    shown = shared.run("doctor", code=1, **wrong).stdout
    lines = [line for line in shown.splitlines() if "MEND" in line]
    assert len(lines) == 5 and all("  settings  " in line for line in lines)
    assert "no time zone" in lines[0] and "WHATSAPP_APP_SECRET is missing" in lines[-1]
    assert "the settings have to be mended first" in shown and "port of the gateway" in shown


@pytest.mark.parametrize(("mode", "code"), [(0o644, 1), (0o640, 1), (0o600, 0)])
def test_doctor_minds_a_file_with_secrets_that_others_can_read(
    shared: Instance, mode: int, code: int
) -> None:
    file = shared.home / "secondme.yaml"
    file.write_text("timezone: UTC\nopenai_api_key: sk-CANARY\n")
    file.chmod(mode)
    shown = shared.run("doctor", code=code).stdout
    file.write_text("timezone: UTC\n")
    file.chmod(0o644)
    assert "without secrets" in shared.run("doctor").stdout
    file.unlink()
    assert "CANARY" not in shown
    assert ("others can read what it holds (openai_api_key): chmod 600" in shown) is bool(code)


def test_the_schema_of_the_settings(shared: Instance) -> None:
    schema = json.loads(shared.run("config", "schema").stdout)
    assert schema["type"] == "object" and "SECONDME_PROFILE" in schema["properties"]


def test_everything_wrong_with_the_settings_is_said_at_once(shared: Instance) -> None:
    """A line each: what cannot be read, what Meta's accounts lack, and what models lack."""
    wrong = {
        "SECONDME_TIMEZONE": "Mars/Olympus",
        "SECONDME_PROFILE": "butler",
        "SECONDME_CHANNEL": "whatsapp_cloud",
        "WHATSAPP_PHONE_NUMBER_ID": "1",
        "WHATSAPP_PERMANENT_TOKEN": "t",
        "WHATSAPP_VERIFY_TOKEN": "v",
        "SECONDME_MODELS": "groq:a",
    }
    head, *lines = shared.refused("up", **wrong).splitlines()
    assert head == "secondme: 4 settings to mend:"
    names = ("SECONDME_PROFILE", "SECONDME_TIMEZONE", "WHATSAPP_APP_SECRET", "GROQ_API_KEY")
    assert [line.split()[0].removesuffix(":") for line in lines] == list(names)


def test_a_demo_is_refused_where_a_real_number_is_set(shared: Instance) -> None:
    number = dict.fromkeys(("PERMANENT_TOKEN", "VERIFY_TOKEN", "APP_SECRET", "PHONE_NUMBER_ID"), "1")
    live = {f"WHATSAPP_{name}": value for name, value in number.items()}
    said = shared.refused("up", "--demo", SECONDME_CHANNEL="whatsapp_cloud", **live)
    assert "main (whatsapp_cloud)" in said and "Leave --demo out" in said and "\n" not in said


@pytest.mark.parametrize(
    "args",
    [
        ["pause"],
        ["contact", "Ana"],
        ["chat", "--json"],
        ["import", "x.txt", "--json"],
        ["status", "--frequently"],
    ],
)
def test_wrong_usage_exits_with_two(shared: Instance, args: list[str]) -> None:
    shared.run(*args, code=2)


def test_a_pause_lasts_longer_than_nothing(shared: Instance) -> None:
    assert "--for" in shared.refused("pause", "all", "--for", "0")


@pytest.mark.parametrize("args", [["--help"], ["import", str(LENA), "--dry-run", "--json"]])
def test_quick_commands_load_nothing_heavy(args: list[str]) -> None:
    script = (
        "import sys\nfrom secondme.cli.main import app\n"
        f"try: app({args!r})\nexcept SystemExit: pass\n"
        "print(sorted({'asyncpg', 'redis', 'aiohttp', 'fastapi', 'structlog', 'sqlalchemy'} & set(sys.modules)),"
        " file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True
    )
    assert done.stderr.strip() == "[]"


def test_the_voice_is_measured(shared: Instance) -> None:
    shown = shared.run("bench", "voice").stdout
    assert "Lena Brandt" in shown and "Viktor Hale" in shown and shown.count("margin") == 2
