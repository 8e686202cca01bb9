"""The documents say what is: quoted code, paths, tests, settings, profiles, layers, tables and commands."""

import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer.main

from secondme.cli.main import app
from secondme.profiles import PROFILES
from secondme.settings import Settings, parse_duration
from secondme.stores.graph import documented, schema
from secondme.stores.ledger import tables

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/secondme"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(PACKAGE.rglob("README.md")),
]
EXTENDING = (ROOT / "docs/extending.md").read_text()


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every table row, without the heading's underline."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|--"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def quoted() -> dict[str, str]:
    found = re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", EXTENDING, re.DOTALL)
    return dict(found)


def test_every_example_is_quoted_as_it_is() -> None:
    examples = {
        named(f) for f in Path(__file__).parent.glob("*.py") if not f.name.startswith(("test_", "__"))
    }
    assert set(quoted()) == examples
    assert EXTENDING.count("```python") == len(examples)
    for path, code in quoted().items():
        assert code == (ROOT / path).read_text(), f"docs/extending.md quotes {path} as it was"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_and_tests_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`([\w./-]+\.(?:py|md|sh|toml|yml)(?:::\w+)?)`", page.read_text()):
        path, _, test = name.partition("::")
        if "/" not in path or "NNNN" in path or path.startswith("channels/courier"):
            continue
        found = [
            base / path for base in (ROOT, PACKAGE, PACKAGE / "llm", page.parent) if (base / path).exists()
        ]
        assert found, name
        if test:
            assert re.search(rf"def {test}\(", found[0].read_text()), name


def variable(field: str) -> str:
    return Settings.model_fields[field].alias or field.upper()


def test_every_setting_stands_with_its_default() -> None:
    listed = {
        row[0].strip("`"): row[1].strip("`")
        for row in rows((ROOT / "docs/settings.md").read_text())
        if len(row) == 3 and row[0] != "variable"
    }
    fields = {variable(field): field for field in Settings.model_fields}
    assert set(listed) == set(fields)
    untouched = Settings.model_validate({})
    for name, default in listed.items():
        own: Any = getattr(untouched, fields[name])
        if default == "–":
            assert own in (None, []), name
        else:
            given = Settings.model_validate({name if fields[name] != name.lower() else fields[name]: default})
            assert getattr(given, fields[name]) == own, name


def meant(cell: str, own: Any) -> Any:
    """What a cell of a profile's table says, as the type of the profile's own value."""
    if cell == "none":
        return None
    if isinstance(own, bool):
        return {"yes": True, "no": False}[cell]
    if isinstance(own, timedelta):
        return parse_duration(cell)
    return type(own)(cell)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profiles_page_has_its_values(name: str) -> None:
    profile = PROFILES[name]
    listed = {
        row[0].strip("`"): row[1] for row in rows((ROOT / f"docs/profiles/{name}.md").read_text()) if row[0]
    }
    assert set(listed) == set(profile.__slots__) - {"name"}
    for field, cell in listed.items():
        own = getattr(profile, field)
        assert meant(cell, own) == own, field


def test_the_layers_are_those_that_are_checked() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0][
        "layers"
    ]
    text = (ROOT / "docs/architecture.md").read_text()
    shown = text.split("## Layers")[1].split("```")[1].strip().splitlines()
    modules = [re.sub(r"[()]", "", row) for row in declared]
    exist = {path.stem for path in PACKAGE.iterdir()} | {"flows"}
    assert shown == [row for row in modules if set(re.findall(r"\w+", row)) & exist]


def test_the_notice_names_every_package_that_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["embedded"]]
    named = set(re.findall(r"[a-z][\w-]+", (ROOT / "NOTICE").read_text().lower()))
    assert {re.split(r"[>;]", one)[0].strip() for one in asked} <= named


def test_every_table_and_documented_column_is_there() -> None:
    text = (ROOT / "docs/schema.md").read_text()
    assert set(re.findall(r"`([a-z_]+)`", text)) >= set(tables.metadata.tables)
    for name in ("contacts", "identities", "messages", "summaries"):
        section = re.split(rf"## \w+ → `{name}`", text)[1].split("\n## ")[0]
        columns = {column.name for column in tables.metadata.tables[name].columns}
        mapped = [row[1].strip("`") for row in rows(section) if row[0] != "documented"]
        assert set(mapped) <= columns
        unmapped = columns - set(mapped)
        assert unmapped <= set(re.findall(r"`([a-z_]+)`", section)), f"{name}: {unmapped}"


def test_the_graph_has_what_its_page_says() -> None:
    text = (ROOT / "docs/memory.md").read_text()
    queries = {
        row[0].strip("`"): (row[1], row[2])
        for row in rows(text.split("## The documented queries")[1])
        if len(row) == 3
    }
    del queries["query"]
    assert queries == {
        name: (", ".join(one.parameters), ", ".join(one.columns)) for name, one in documented.PATTERNS.items()
    }
    cypher = [*(PACKAGE / "stores/graph").rglob("*.cypher")]
    whole = "\n".join(file.read_text() for file in cypher)
    relationships = text.split("## Relationships")[1].split("\n## ")[0]
    assert set(re.findall(r"\[\w*:([A-Z_]+)", whole)) == set(re.findall(r"`([A-Z_]+)`", relationships))
    labels = set(re.findall(r"\((?:\w+)?:([A-Z]\w+)", schema.init_schema()))
    assert labels <= set(re.findall(r"\w+", text.split("## Nodes")[1].split("## Relationships")[0]))


def known_commands() -> set[str]:
    """Every command and `group command` of the command line."""
    found = set()
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        found |= {name, *(f"{name} {inner}" for inner in getattr(command, "commands", {}))}
    return found


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_exists(page: Path) -> None:
    known, text = known_commands(), page.read_text()
    code = re.findall(r"`(secondme [^`\n]+)`", text)
    for block in re.findall(r"```(?:\w*)\n(.*?)```", text, re.DOTALL):
        code += re.findall(r"^(?:\$ )?(?:\.venv/bin/)?(secondme [^\n]+)", block, re.MULTILINE)
    for line in code:
        words = [word for word in line.split()[1:] if not word.startswith("-")]
        if not words:
            continue
        assert words[0] in known, line
        if any(name.startswith(f"{words[0]} ") for name in known) and words[0] != "bench":
            assert " ".join(words[:2]) in known, line
