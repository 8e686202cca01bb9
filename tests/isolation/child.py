"""The same stories told to a damaged copy of the product: `python -m tests.isolation.child STORES`, as JSON."""

import json
import sys
from pathlib import Path

from secondme.observe.logs import configure
from tests.isolation.machine import Size, Stores, run


def main() -> None:
    """Prints what somebody heard and may not, or how much was told without that."""
    configure("test", stderr=False)
    given = json.loads(sys.argv[1])
    stores = Stores(**{**given, "folder": Path(given["folder"])})
    try:
        print(run(stores, Size(), seeded=20, examples=3, steps=8))
    except AssertionError as error:
        print(error)


if __name__ == "__main__":
    main()
