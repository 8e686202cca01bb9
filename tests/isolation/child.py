"""The same stories told to a damaged copy: `python -m tests.isolation.child STORES ACTS`, both as JSON."""

import json
import sys
from pathlib import Path

from secondme.observe.logs import configure
from tests.isolation.machine import Size, Stores, run
from tests.isolation.telling import Tally


def main() -> None:
    """Prints what somebody heard and may not, or how much was told without that."""
    configure("test", stderr=False)
    given, names = (json.loads(text) for text in sys.argv[1:])
    stores = Stores(**{**given, "folder": Path(given["folder"])})
    tally = Tally()
    try:
        run(stores, Size(), tally, seeded=20, stories=3, names=names)
        print(tally)
    except AssertionError as error:
        print(error)


if __name__ == "__main__":
    main()
