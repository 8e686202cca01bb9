"""What the servers are told, heard on their own side or on the wire: texts of queries, apart from their values."""

import asyncio
import codecs
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import secondme.stores.graph
from tests.privacy.places import Tap

_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_STRING = r'"(?:[^"\\]|\\["\\])*"'
_PLAIN = r"(?:null|true|false|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_TOKEN = re.compile(rf"{_STRING}|{_PLAIN}|[\[\]{{}},:]|[A-Za-z_]\w*(?=:)", re.DOTALL | re.ASCII)
_PARAMETER = re.compile(r"([A-Za-z_]\w*)=", re.ASCII)
_FOLDER = Path(secondme.stores.graph.__file__).parent / "queries"


def queries() -> dict[str, str]:
    """The texts of the query files without their comments, to the files' names."""
    return {
        "\n".join(
            line for line in file.read_text().splitlines() if not line.startswith("//")
        ).strip(): file.stem
        for file in _FOLDER.glob("*.cypher")
    }


def text_of(command: str) -> str:
    """A query without the values before it. Values are read as the server reads them, whatever stands in them."""
    if not command.startswith("CYPHER "):
        return command
    at = len("CYPHER ")
    while found := _PARAMETER.match(command, at):
        at = _past(command, found.end()) + 1  # the blank behind a value
    return command[at:]


def _past(command: str, at: int) -> int:
    """Where one value ends: at a bracket as deep as it began."""
    depth = 0
    while token := _TOKEN.match(command, at):
        at = token.end()
        depth += (token[0] in "[{") - (token[0] in "]}")
        if depth == 0:
            return at
    raise AssertionError(f"no value at {at} of {command[:300]!r}")


class GraphTap:
    """What the graph's server is told about one graph, as MONITOR has it."""

    def __init__(self, url: str) -> None:
        self._tap = Tap(url)

    def commands(self, graph: str) -> list[str]:
        """The queries in full, oldest first."""
        found = []
        for line in bytes(self._tap.heard).split(b"\r\n"):
            words = [codecs.escape_decode(word)[0] for word in _WORD.findall(line)]
            if len(words) > 2 and words[0].startswith(b"GRAPH.") and words[1] == graph.encode():
                found.append(words[2].decode())
        return found

    def close(self) -> None:
        self._tap.close()


class SqlTap:
    """A proxy before Postgres that keeps the text of every statement which passes."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._pumps: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def before(cls, url: str) -> AsyncIterator[tuple["SqlTap", str]]:
        """The tap, and the address by which to reach the server through it."""
        tap, target = cls(), urlsplit(url)

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            theirs, there = await asyncio.open_connection(target.hostname, target.port)
            for pump in (tap._pump(reader, there, _Frontend(tap.texts)), tap._pump(theirs, writer, None)):
                task = asyncio.create_task(pump)
                tap._pumps.add(task)
                task.add_done_callback(tap._pumps.discard)

        server = await asyncio.start_server(connect, "127.0.0.1", 0)
        port, login = server.sockets[0].getsockname()[1], target.netloc.rpartition("@")[0]
        try:
            yield tap, urlunsplit(target._replace(netloc=f"{login}@127.0.0.1:{port}"))
        finally:
            server.close()
            for task in list(tap._pumps):
                task.cancel()
            await asyncio.gather(*tap._pumps, return_exceptions=True)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, reads: "_Frontend | None"
    ) -> None:
        try:
            while data := await source.read(65536):
                if reads:
                    reads.feed(data)
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()


class _Frontend:
    """Cuts a client's bytes into messages. https://www.postgresql.org/docs/current/protocol-message-formats.html"""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self._rest = b""
        self._begun = False

    def feed(self, data: bytes) -> None:
        self._rest += data
        while (head := 5 if self._begun else 4) <= len(self._rest):
            size = int.from_bytes(self._rest[head - 4 : head]) + head - 4
            if len(self._rest) < size:
                return
            message, self._rest = self._rest[:size], self._rest[size:]
            if not self._begun:
                self._begun = message[4:8] == b"\x00\x03\x00\x00"  # else it asks for TLS first
            elif message[:1] == b"P":  # Parse: the statement's name, its text, the types
                self._texts.append(message[5:].split(b"\x00")[1].decode())
            elif message[:1] == b"Q":
                self._texts.append(message[5:-1].decode())
