"""The first minute: from a command to a page that can be used, and what it takes while nothing happens."""

import asyncio
import sys
from time import perf_counter

import aiohttp
import psutil

from secondme.bench.lab import BenchFailed, Lab
from secondme.bench.product import Product, started
from secondme.bench.rows import Row, skipped, within

_PAGE = 10.0  # seconds, at most
_MEMORY = 400.0  # MB, at most
IDLE = 20.0  # seconds
_PATIENCE = aiohttp.ClientTimeout(total=20)


async def measure(lab: Lab, *, idle: float = IDLE) -> list[Row]:
    """Seconds to the page, on an empty and on a known data directory, and MB idle. Raises BenchFailed, TimeoutError."""
    rows = []
    async with started(["up", "--demo"], lab.folder / "demo") as product:
        rows.append(_page("empty", await _opened(product)))
        await asyncio.sleep(idle)
        rows.append(_memory(product, idle))
    async with started(["up", "--demo"], lab.folder / "demo") as product:
        rows.insert(1, _page("known", await _opened(product)))
    return rows


def _page(what: str, seconds: float) -> Row:
    return within(f"Demo: from `secondme up --demo` to its page, {what} data directory", seconds, "s", _PAGE)


async def _opened(product: Product) -> float:
    """Seconds from the start until the page was there. Raises BenchFailed."""
    link = await product.link()
    jar = aiohttp.CookieJar(unsafe=True)  # the host is a number
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=_PATIENCE) as browser, browser.get(link) as page:
        await page.read()
        if page.status != 200 or page.url.path != "/simulator":
            raise BenchFailed(f"The one-time link led to {page.url.path} with {page.status}.")
    return perf_counter() - product.begun


def _memory(product: Product, idle: float) -> Row:
    """Proportional set sizes: what several processes share is counted once."""
    name = "Memory: idle, stores included"
    if not sys.platform.startswith("linux"):
        return skipped(name, "skipped: only Linux tells proportional set sizes")
    sizes = {part: _megabytes(group) for part, group in product.parts().items()}
    note = ", ".join(f"{part} {size:.0f}" for part, size in sizes.items())
    return within(name, sum(sizes.values()), "MB", _MEMORY, f"{note}; after {idle:g} s", sizes)


def _megabytes(group: list[psutil.Process]) -> float:
    total = 0
    for process in group:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20
