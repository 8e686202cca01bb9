"""The checks can fail: each guard is taken out of a copy of the source, and a check must miss it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.children import ROOT
from tests.faults.variants import Changes, variant

OPEN_TAGS: Changes = {
    "llm/prompts.py": (
        'return _TAG.sub(lambda found: "(" if found.group() == "[" else "‹", text)',
        "return text",
    )
}
PLAIN_TAGS_ONLY: Changes = {
    "llm/prompts.py": (
        r'r"(?:[<\uff1c\ufe64]|&(?:amp;)*(?:lt;?|#0*60(?!\d);?|#x0*3c(?![\da-f]);?))(?!\s?\d)"',
        r'r"<(?=[/|!a-z])"',
    )
}
NAMED_PROMPT: Changes = {
    "llm/prompts.py": (
        "system = _system(turn.account.profile.prompt",
        "system = str(turn.contact.name) + _system(turn.account.profile.prompt",
    )
}
PERSONA_TRUSTED: Changes = {
    "llm/prompts.py": (
        'lines.append(ChatMessage(role="user", content=_persona(turn.persona)))',
        'lines.append(ChatMessage(role="system", content=_persona(turn.persona)))',
    )
}
ANY_LINE: Changes = {"memory/exports/survey.py": ("return sum(found) * 2 > len(found)", "return False")}
ANY_NAME: Changes = {"memory/exports/authors.py": ("claims = chosen and (", "claims = False and (")}
UNQUOTED: Changes = {
    "stores/graph/values.py": (
        """return '"' + value.replace("\\\\", "\\\\\\\\").replace('"', '\\\\"') + '"'""",
        """return '"' + value + '"'""",
    )
}
FORMATTED_CYPHER: Changes = {
    "stores/graph/client.py": (
        "text = encoded(header(parameters) + query.text)",
        'text = encoded(header(parameters) + query.text.replace("$words", repr(parameters.get("words"))))',
    )
}
FORMATTED_SQL: Changes = {
    "stores/ledger/imports.py": (
        '    keys = {name: vault.digest("imported", key) for name, key in names.items()}\n',
        '    keys = {name: vault.digest("imported", key) for name, key in names.items()}\n'
        '    await tx.execute(f"SELECT $q${min(names)}$q$")\n',
    )
}
SENT_AS_TOLD: Changes = {
    "pipeline/outbox.py": (
        "        return await _attempt(channel, flight, write_before)",
        "        import re\n"
        "        from dataclasses import replace\n"
        '        said = re.search(r"[+]15550199", flight.outgoing.text)\n'
        "        told = replace(flight.outgoing, address=said[0]) if said else flight.outgoing\n"
        "        return await _attempt(channel, replace(flight, outgoing=told), write_before)",
    )
}

QUICK = [
    pytest.param(OPEN_TAGS, "trusted_part", "corpus", id="tags stay open"),
    pytest.param(PLAIN_TAGS_ONLY, "trusted_part", "corpus", id="only plain tags are closed"),
    pytest.param(PERSONA_TRUSTED, "trusted_part", "taught", id="a persona in the system message"),
]
SLOW = [
    pytest.param(NAMED_PROMPT, "trusted_part", "corpus", id="a name in the system message"),
    pytest.param(ANY_LINE, "chats", "iphone_tells", id="any line is a message"),
    pytest.param(ANY_NAME, "chats", "calls_themselves", id="any name is the owner's"),
    pytest.param(UNQUOTED, "queries", "changes_no_query or stays_what", id="values are not quoted"),
    pytest.param(FORMATTED_CYPHER, "queries", "changes_no_query", id="a query by format"),
    pytest.param(FORMATTED_SQL, "queries", "changes_no_query", id="a statement by format"),
    pytest.param(SENT_AS_TOLD, "recipients", "simulator", id="sent to whom a text names"),
]


def judged(folder: Path, module: str, words: str, *changes: Changes) -> "subprocess.CompletedProcess[str]":
    """The checks of a module, as they judge a changed copy of the source."""
    copy = variant(folder, *changes)
    command = [sys.executable, "-m", "pytest", f"tests/injection/test_{module}.py", "-k", words, "-q", "-x"]
    command += ["-p", "no:cacheprovider", f"--basetemp={folder / 'temp'}", "-o", f"pythonpath={copy} ."]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)


def missed(folder: Path, changes: Changes, module: str, words: str) -> None:
    done = judged(folder, module, words, changes)
    assert done.returncode == 1, done.stdout
    assert " failed" in done.stdout and " error" not in done.stdout.splitlines()[-1]
    assert "SyntaxError" not in done.stdout and "ImportError" not in done.stdout


@pytest.mark.parametrize(("changes", "module", "words"), QUICK)
def test_it_is_missed(tmp_path: Path, changes: Changes, module: str, words: str) -> None:
    missed(tmp_path, changes, module, words)


@pytest.mark.parametrize(("changes", "module", "words"), SLOW)
def test_it_is_missed_at_length(
    tmp_path: Path, changes: Changes, module: str, words: str, long: bool
) -> None:
    """Most begin stores of their own, so these are for the long form."""
    if not long:
        pytest.skip("for the long form")
    missed(tmp_path, changes, module, words)
