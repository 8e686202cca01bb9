"""A process that holds the stores of a data directory: `python -m tests.embedded.holder DIR`.

It prints `going` before it attaches and `attached` after, and lets go when its standard input ends.
"""

import asyncio
import sys
from pathlib import Path

from secondme.embedded import EmbeddedStores


async def hold(data_dir: Path) -> None:
    print("going", flush=True)
    stores = await EmbeddedStores.attach(data_dir)
    print("attached", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await stores.detach()


if __name__ == "__main__":
    asyncio.run(hold(Path(sys.argv[1])))
