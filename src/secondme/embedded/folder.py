"""The data directory: whose it is, who wrote it, and what it remembers about its servers."""

import contextlib
import json
import os
import pwd
import shutil
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from secondme.domain.errors import ConfigError, StoreUnavailable
from secondme.embedded.wheels import POSTGRES_MAJOR

DATA_VERSION = 1  # raised when an older SecondMe could no longer read the directory
ROOM = 150 * 2**20  # bytes that a first start needs on the disk: a cluster, its log of writes, some air


@dataclass(frozen=True, slots=True)
class Access:
    """How one server is reached on 127.0.0.1."""

    port: int
    password: str


def open_folder(data_dir: Path) -> Path:
    """Make `data_dir` and what lies in it, private to this user; returns it resolved.

    Raises ConfigError when it is not ours to use.
    """
    try:
        data_dir = data_dir.expanduser().absolute()
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_dir = data_dir.resolve(strict=True)
        _refuse_foreign(data_dir)
        if data_dir.stat().st_mode & 0o067:
            data_dir.chmod(0o700)
        for name in ("run", "logs"):
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise explain(error, data_dir) from error
    return data_dir


def explain(error: OSError, data_dir: Path) -> ConfigError | StoreUnavailable:
    """One line for what the file system refused."""
    text = error.strerror or str(error)
    if is_full(text):
        return full(data_dir)
    return ConfigError(
        f"Cannot use {error.filename or data_dir}: {text}. Make it usable by {_user(os.geteuid())}, "
        "or choose another SECONDME_DATA_DIR."
    )


def is_full(text: str) -> bool:
    return "No space left" in text or "Disk quota exceeded" in text


def full(data_dir: Path) -> StoreUnavailable:
    return StoreUnavailable(
        f"The disk that holds {data_dir} is full ({_free(data_dir) >> 20} MB free): free {ROOM >> 20} MB, "
        "or move SECONDME_DATA_DIR to another disk. Nothing that was answered for is lost."
    )


def refuse_full(data_dir: Path) -> None:
    """Raises StoreUnavailable when a first start would not fit."""
    if _free(data_dir) < ROOM:
        raise full(data_dir)


def check_version(data_dir: Path) -> None:
    """Stamp a new directory. Raises ConfigError for one that something newer or another PostgreSQL wrote."""
    file = data_dir / "VERSION"
    try:
        written = json.loads(file.read_text())
        data, postgres = int(written["data"]), int(written["postgres"])
    except FileNotFoundError:
        data, postgres = DATA_VERSION, _cluster_major(data_dir)
        write_private(file, json.dumps({"data": data, "postgres": postgres}) + "\n")
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{file} cannot be read: restore it, or choose another SECONDME_DATA_DIR."
        ) from error
    if data > DATA_VERSION:
        raise ConfigError(
            f"{data_dir} was written by a newer SecondMe (data {data}, this one reads up to {DATA_VERSION}): "
            "update SecondMe, or choose another SECONDME_DATA_DIR."
        )
    if postgres != POSTGRES_MAJOR:
        raise ConfigError(
            f"{data_dir} was written by PostgreSQL {postgres}, and this SecondMe brings {POSTGRES_MAJOR}: "
            "use the SecondMe that wrote it, or choose another SECONDME_DATA_DIR."
        )


def read_accesses(data_dir: Path) -> dict[str, Access]:
    """What the last start wrote, by store; empty when there is nothing usable."""
    try:
        found = json.loads((data_dir / "run" / "stores.json").read_text())
        return {name: Access(**access) for name, access in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_accesses(data_dir: Path, accesses: dict[str, Access]) -> None:
    write_private(
        data_dir / "run" / "stores.json",
        json.dumps({name: asdict(access) for name, access in accesses.items()}),
    )


def write_private(path: Path, text: str) -> None:
    """Replace `path` whole or not at all, mode 0600."""
    beside = path.with_name(f".{path.name}.new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_foreign(data_dir: Path) -> None:
    found = data_dir.stat()
    if found.st_uid != os.geteuid():
        owner, me = _user(found.st_uid), _user(os.geteuid())
        raise ConfigError(
            f"{data_dir} belongs to {owner}, and this runs as {me}: run as {owner}, "
            "or choose another SECONDME_DATA_DIR."
        )
    shared = stat.S_IMODE(found.st_mode) & 0o067
    if shared and not (data_dir / "VERSION").exists() and any(data_dir.iterdir()):
        raise ConfigError(f"{data_dir} holds other files: choose an empty folder as SECONDME_DATA_DIR.")


def _cluster_major(data_dir: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int((data_dir / "postgres" / "PG_VERSION").read_text())
    return POSTGRES_MAJOR


def _free(data_dir: Path) -> int:
    return shutil.disk_usage(data_dir).free


def _user(uid: int) -> str:
    try:
        return f"'{pwd.getpwuid(uid).pw_name}'"
    except KeyError:
        return f"user {uid}"
