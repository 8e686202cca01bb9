"""One story, told once to a running product; then words and numbers are looked for wherever they could be."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.privacy import telling
from tests.privacy.places import Tap, files, keys, slow_queries, tables
from tests.privacy.product import SERVICES, Product, installed, outside
from tests.privacy.telling import DORA, canary, named


@dataclass
class Story:
    """The product after the story: still running, or stopped."""

    product: Product
    network: str
    taps: dict[str, Tap]

    def sent(self) -> list[str]:
        """The texts that reached the phone network."""
        with urllib.request.urlopen(f"{self.network}/seen", timeout=5) as answer:
            return [str(text) for text in json.load(answer)]


@pytest.fixture(scope="package")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Tell it, with the stores being killed in between, and leave the product running."""
    folder = tmp_path_factory.mktemp("story")
    with (
        outside() as network,
        installed(
            folder,
            SECONDME_LOG_LEVEL="DEBUG",
            SECONDME_NEW_CONTACTS="enabled",
            SECONDME_DEBOUNCE="200ms",
            SECONDME_PACING="none",
            SECONDME_MODELS="compatible:m",
            COMPATIBLE_BASE_URL=f"{network}/v1",
            SIMULATOR_API_BASE_URL=f"{network}/net",
        ) as product,
    ):
        product.start()
        addresses = product.addresses
        taps = {
            "redis": Tap(addresses.redis_url)
        }  # the graph is asked about what was said, and keeps none of it
        telling.converse(product)
        telling.misbehave(product)
        telling.fail(product)
        telling.command(product)
        telling.visit(product)
        for stores in (("redis", "falkordb"), ("postgres",)):
            product.kill_stores(*stores)
            product.says(DORA, f"{canary('during')} {stores}", name=named("dora"))
            product.revived()
            assert product.says(DORA, f"{canary('after')} {stores}", name=named("dora")) == 200
        product.settled(DORA)
        yield Story(product, network, taps)


def searched(product: Product, taps: dict[str, Tap]) -> Iterator[tuple[str, bytes]]:
    """Every place of a running product: stores, what is said to them, what services tell, and all its files."""
    addresses = product.addresses
    yield from asyncio.run(tables(addresses.database_url)).items()
    for name, url in (("redis", addresses.redis_url), ("falkordb", addresses.falkordb_url)):
        yield from asyncio.run(keys(name, url)).items()
    yield "slow queries of falkordb", asyncio.run(slow_queries(addresses.falkordb_url))
    for name, tap in taps.items():
        yield f"said to {name}", bytes(tap.heard)
    for service in SERVICES:
        yield f"metrics of {service}", product.scrape(service, "/metrics")
        yield f"health of {service}", product.scrape(service, "/health")
    yield from left_behind(product.folder)


def left_behind(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below the folder in which the product, its home and its temporary files are."""
    yield from files(folder)
