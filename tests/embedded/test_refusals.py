"""What cannot be used is refused in one line that says what to do, and left as it is."""

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from secondme.domain.errors import ConfigError, SecondMeError, StoreUnavailable
from secondme.embedded import EmbeddedStores, locks, wheels
from tests.embedded.conftest import mentioning


async def refusal(data_dir: Path, kind: type[SecondMeError] = ConfigError) -> str:
    with pytest.raises(kind) as caught:
        await EmbeddedStores.attach(data_dir)
    assert mentioning(data_dir) == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ({"data": 99, "postgres": wheels.POSTGRES_MAJOR}, "newer SecondMe (data 99"),
        ({"data": 1, "postgres": wheels.POSTGRES_MAJOR + 1}, f"PostgreSQL {wheels.POSTGRES_MAJOR + 1}"),
        ({"data": "?"}, "cannot be read"),
    ],
)
async def test_another_version(data_dir: Path, version: dict[str, object], words: str) -> None:
    data_dir.mkdir(mode=0o700)
    (data_dir / "VERSION").write_text(json.dumps(version))
    assert words in await refusal(data_dir)
    assert not (data_dir / "postgres").exists()


async def test_a_cluster_of_another_postgres_without_a_version_file(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True, mode=0o700)
    data_dir.chmod(0o700)
    (data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    assert "PostgreSQL 15" in await refusal(data_dir)


async def test_a_folder_of_somebody_else(data_dir: Path) -> None:
    if os.geteuid() == 0:
        data_dir.mkdir()
        os.chown(data_dir, 65534, 65534)
    else:
        data_dir = Path("/usr")
    with pytest.raises(ConfigError, match="belongs to"):
        await EmbeddedStores.attach(data_dir)


async def test_a_folder_that_holds_other_things_keeps_its_mode(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o755)
    (data_dir / "letter.txt").touch()
    assert "holds other files" in await refusal(data_dir)
    assert data_dir.stat().st_mode & 0o777 == 0o755


async def test_a_place_where_no_folder_can_be(data_dir: Path) -> None:
    data_dir.touch()
    assert "SECONDME_DATA_DIR" in await refusal(data_dir / "below a file")


async def test_missing_wheels(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "_POSTGRES", "not_installed")
    line = await refusal(data_dir)
    assert "make setup" in line
    assert "DATABASE_URL" in line


async def test_files_where_the_cluster_belongs(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    data_dir.chmod(0o700)
    (data_dir / "postgres" / "letter.txt").touch()
    assert "not a PostgreSQL cluster" in await refusal(data_dir)


async def test_a_server_that_does_not_start_says_why(data_dir: Path) -> None:
    (data_dir / "redis").mkdir(parents=True)
    data_dir.chmod(0o700)
    (data_dir / "redis" / "dump.rdb").write_bytes(b"not a dump")
    line = await refusal(data_dir, StoreUnavailable)
    assert line.startswith("Redis did not start: ")
    assert "redis.log" in line


async def test_a_start_that_another_process_keeps(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.2)
    (data_dir / "run").mkdir(parents=True)
    data_dir.chmod(0o700)
    with (data_dir / "run" / "start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("4711")
        file.flush()
        assert "Process 4711" in await refusal(data_dir, StoreUnavailable)


@pytest.fixture
def small_disk(data_dir: Path) -> Iterator[Path]:
    """A file system of 20 MB."""
    data_dir.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(data_dir)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small disk")
    yield data_dir
    subprocess.run(["umount", str(data_dir)], check=True)


async def test_a_full_disk(small_disk: Path) -> None:
    assert "is full" in await refusal(small_disk, StoreUnavailable)
