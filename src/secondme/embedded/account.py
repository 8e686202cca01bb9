"""Who the servers run as. PostgreSQL refuses to be root, and no store needs to: they get their own user."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NAME = "secondme"


@dataclass(frozen=True, slots=True)
class Account:
    """A system user without rights. `name` is for messages."""

    name: str
    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """Make everything below `path` this account's, if another user ran the servers before."""
        if path.stat().st_uid == self.uid:
            return
        for inner in (*path.rglob("*"), path):
            os.chown(inner, self.uid, self.gid, follow_symlinks=False)

    def may_pass(self, folder: Path) -> bool:
        return self._allowed(folder, stat.S_IXUSR, stat.S_IXGRP, stat.S_IXOTH)

    def may_read(self, path: Path) -> bool:
        return self._allowed(path, stat.S_IRUSR, stat.S_IRGRP, stat.S_IROTH)

    def _allowed(self, path: Path, user: int, group: int, other: int) -> bool:
        found = path.stat()
        bit = user if found.st_uid == self.uid else group if found.st_gid == self.gid else other
        return bool(found.st_mode & bit)


def server_account(say: Callable[[str], None]) -> Account | None:
    """The servers' user when this process is root, made if need be; None when they run as this user."""
    if os.geteuid() != 0:
        return None
    entry = _entry(NAME)
    if entry is None and _create():
        entry = _entry(NAME)
        say(f"Made the system user '{NAME}': this runs as root, and the stores must not.")
    entry = entry or pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def let_in(account: Account, data_dir: Path, trees: list[Path], say: Callable[[str], None]) -> None:
    """Let `account` reach the data directory and use the programs in `trees`, and open nothing else."""
    os.chown(data_dir, -1, account.gid)
    data_dir.chmod(0o710)
    for tree in trees:
        _make_readable(account, tree)
    for target in (data_dir, *trees):
        for folder in reversed(target.parents):
            if not account.may_pass(folder):
                folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
                say(f"Opened {folder} to pass through (o+x): the stores run as '{account.name}', not root.")


def _make_readable(account: Account, tree: Path) -> None:
    """Open what was installed under a strict umask; the mode of the tree itself tells whether it was."""
    if account.may_pass(tree) and account.may_read(tree):
        return
    for path in (*tree.rglob("*"), tree):
        extra = stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0)
        path.chmod(path.stat().st_mode | extra)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create() -> bool:
    if not shutil.which("useradd"):
        return False
    command = [
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        NAME,
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
