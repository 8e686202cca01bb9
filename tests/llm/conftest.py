"""Providers as processes of their own, once for the session."""

from collections.abc import Iterator

import pytest

from tests.stubs.processes import anthropic_server, openai_server


@pytest.fixture(scope="session")
def openai_stub() -> Iterator[str]:
    """`http://127.0.0.1:PORT/v1`"""
    with openai_server() as url:
        yield url


@pytest.fixture(scope="session")
def anthropic_stub() -> Iterator[str]:
    """`http://127.0.0.1:PORT`"""
    with anthropic_server() as url:
        yield url
