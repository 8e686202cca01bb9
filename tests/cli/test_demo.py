"""`up --demo` after a start that was killed."""

from pathlib import Path

from tests.cli.conftest import RUNNING, Instance
from tests.faults.variants import variant

_DIES = "    import os; os.kill(os.getpid(), 9)\n"


def test_a_demo_that_was_killed_before_it_had_a_voice_learns_it_at_the_next_start(
    fresh: Instance, tmp_path: Path
) -> None:
    opens = "    with as_file("
    killed = variant(tmp_path, {"cli/demo.py": (opens, _DIES + opens)})
    with fresh.start("up", "--demo", PYTHONPATH=str(killed)) as running:
        running.until("Learning the voice of Lena Brandt")
        assert running.process.wait(20) == -9
    people = fresh.json("contacts", "--json")
    with fresh.start("up", "--demo") as running:
        running.until(RUNNING)
        assert any("replies of hers to answer from" in line for line in running.lines)
        assert running.stop() == 0
    assert {one["id"] for one in fresh.json("contacts", "--json")} == {one["id"] for one in people}
