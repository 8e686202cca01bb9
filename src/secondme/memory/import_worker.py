"""An imported chat becomes memory: from where it lies sealed, chunk by chunk, so that a kill costs one chunk at most.

What is learned twice is learned once: a source is named by what was said, by whom, where and in which minute, so chats
that overlap count once too.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidTag

from secondme.domain.errors import StoreUnavailable
from secondme.domain.event import ImportEvent
from secondme.domain.fact import OWNER, Gist, Learned, Source, is_group
from secondme.failpoints import failpoint
from secondme.memory.gists import Reads, Said
from secondme.memory.live import take_in
from secondme.memory.mirroring import Mirror
from secondme.observe import metrics
from secondme.observe.logs import get_logger
from secondme.pipeline.effects import Effects
from secondme.ports import Clock
from secondme.stores import sealed_chat
from secondme.stores.graph import Graph, sharing
from secondme.stores.ledger import Connection, Ledger, Lock, imports
from secondme.stores.ledger.imports import Job

log = get_logger(__name__)
_EPOCH = datetime(1970, 1, 1)
_LOOKS_EVERY = 1.0  # seconds: what a lost bell missed is found within this
_REST = 5.0  # seconds, while a store is down
_TELLS_EVERY = 1.0  # seconds
_LEFT_ALONE = 600.0  # seconds: a chat that is being written has no row yet
_LOST = "What was sealed of this chat cannot be opened: import it again."


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Read lines: how many, and what those say that say anything."""

    lines: int
    learned: list[Learned]


class ImportWorker:
    """Works off imported chats, one at a time in the whole instance."""

    def __init__(
        self,
        ledger: Ledger,
        graph: Graph,
        mirror: Mirror,
        effects: Effects,
        reads: Callable[[bool], Reads],
        clock: Clock,
        zone: ZoneInfo,
        folder: Path,
    ) -> None:
        """`reads`: how messages are read, where a model may be asked and where not. `folder`: of the sealed chats."""
        self._ledger = ledger
        self._graph = graph
        self._mirror = mirror
        self._effects = effects
        self._reads = reads
        self._clock = clock
        self._zone = zone
        self._folder = folder
        self._rung = asyncio.Event()
        self._passed: set[bytes] = set()  # chats that do not lie here

    def ring(self) -> None:
        """Have it look now."""
        self._rung.set()

    async def run(self) -> None:
        """Work off what comes, for ever; a store that does not answer is asked again."""
        while True:
            try:
                if not await self.work_once():
                    async with asyncio.timeout(_LOOKS_EVERY):
                        await self._rung.wait()
            except TimeoutError:
                continue
            except StoreUnavailable as error:
                log.warning("import.store_unavailable", error=str(error))
                await asyncio.sleep(_REST)
            finally:
                self._rung.clear()

    async def work_once(self) -> bool:
        """Learn from one chat to its end. False where none waits, or somebody else is at it.

        Raises StoreUnavailable; whoever comes next goes on after the last chunk that was committed.
        """
        async with self._ledger.alone(Lock.IMPORTING, wait=False) as mine:
            if mine is None:
                return False
            jobs = await imports.waiting(mine, self._ledger.vault)
            self._sweep(jobs)
            job = next((one for one in jobs if one.lock not in self._passed), None)
            if job is None:
                return False
            await self._mirror.refresh()  # the schema, and what its people are called
            try:
                await self._work(job)
            except StoreUnavailable:
                raise
            except FileNotFoundError:  # it may lie where another worker runs
                self._passed.add(job.lock)
                log.warning("import.elsewhere", import_id=job.id)
            except (OSError, InvalidTag, ValueError) as error:
                log.error("import.unreadable", import_id=job.id, error=type(error).__name__)
                await self._fail(mine, job, _LOST)
            except (
                Exception
            ) as error:  # a fault of ours costs the chat that met it, and none of those behind it
                fault = type(error).__name__
                log.exception("import.crashed", import_id=job.id, error=fault)
                said = f"Memory stopped at a fault ({fault}); the log says where. What it had learned stays."
                await self._fail(mine, job, said)
            return True

    async def _fail(self, connection: Connection, job: Job, reason: str) -> None:
        await imports.fail(connection, job, reason)
        self._publish("import.failed", job, job.done, 0)

    def _sweep(self, jobs: Sequence[Job]) -> None:
        sealed_chat.sweep(self._folder, [self._path(job) for job in jobs], time.time() - _LEFT_ALONE)

    def _path(self, job: Job) -> Path:
        return sealed_chat.place_of(self._folder, self._ledger.vault, job.key)

    async def _work(self, job: Job) -> None:
        if is_group(job.audience):
            await self._join(job)
        log.info("import.begun", import_id=job.id, total=job.total, done=job.done)
        chunks, done, told = (
            sealed_chat.chunks(self._path(job), job.key, job.done),
            job.done,
            time.monotonic(),
        )
        reading = asyncio.create_task(self._read(job, chunks, done))
        try:
            while (chunk := await reading) is not None:
                done += chunk.lines
                reading = asyncio.create_task(self._read(job, chunks, done))  # while this one is written down
                if not await self._take_in(job, chunk, done):
                    log.info("import.given_up", import_id=job.id)
                    return
                if time.monotonic() - told > _TELLS_EVERY:
                    await self._tell(job, done)
                    told = time.monotonic()
        finally:
            reading.cancel()
            await asyncio.wait({reading})
        await self._finish(job)

    async def _join(self, job: Job) -> None:
        """Whoever wrote in a group hears what is said in it, but for those who were forgotten meanwhile."""
        async with self._ledger.alone(Lock.KNOWING) as connection:
            assert connection is not None
            there = await imports.there(connection, [teller for teller in job.tellers if teller != OWNER])
            await sharing.join(self._graph, job.audience, sorted(there))

    async def _read(self, job: Job, chunks: Iterator[list[sealed_chat.Line]], begin: int) -> _Chunk | None:
        """The next chunk, which begins with line `begin`, and what it says; None at the end."""
        lines, said = await asyncio.to_thread(self._said, job, chunks)
        if not lines:
            return None
        gists = await self._reads(job.by_model)(said)
        empty = Gist()
        learned = [
            Learned(self._source(job, line, one, number), gist)
            for number, (line, one, gist) in enumerate(zip(lines, said, gists, strict=True), begin)
            if gist != empty
        ]
        metrics.learned.labels("nothing_said").inc(len(lines) - len(learned))
        return _Chunk(len(lines), learned)

    def _said(
        self, job: Job, chunks: Iterator[list[sealed_chat.Line]]
    ) -> tuple[list[sealed_chat.Line], list[Said]]:
        """The next chunk's lines, and what they say; nothing at the end."""
        lines, id_, zone = next(chunks, []), str(job.id), self._zone
        owner = [teller == OWNER for teller in job.tellers]
        whose = [job.audience if teller == OWNER else teller for teller in job.tellers]
        payer = [None if is_group(one) else UUID(one) for one in whose]
        said = [
            Said(
                id_,
                text,
                (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=zone),
                owner[author],
                payer[author],
            )
            for seconds, author, text, _ in lines
        ]
        return lines, said

    def _source(self, job: Job, line: sealed_chat.Line, said: Said, number: int) -> Source:
        """`number`: of the line. Lines of one minute have one time, and what is said later must be later."""
        seconds, author, text, again = line
        teller = job.tellers[author]
        parts = (job.audience, teller, str(seconds // 60), str(again), text.encode(errors="replace").decode())
        at = said.at.astimezone(UTC) + timedelta(microseconds=min(number, 999_999))
        return Source(self._ledger.vault.digest("imported", *parts), teller, job.audience, at)

    async def _take_in(self, job: Job, chunk: _Chunk, done: int) -> bool:
        """Write a chunk down, without those who were forgotten meanwhile. False where the chat itself was."""
        people = {t for t in (*job.tellers, job.audience) if t != OWNER and not is_group(t)}
        async with self._ledger.alone(Lock.KNOWING) as connection:
            assert connection is not None
            there = await imports.there(connection, list(people)) | {OWNER}
            if not (is_group(job.audience) or job.audience in there):
                return False
            batch = [one for one in chunk.learned if one.source.teller in there]
            await take_in(self._graph, self._ledger.vault.digest, batch)
            failpoint("import.learned")
            known = await imports.advance(connection, job, done)
        failpoint("import.committed")
        return known

    async def _tell(self, job: Job, done: int) -> None:
        entities = await self._entities(job)
        async with self._ledger.light() as light:
            await imports.count(light, job, entities)
        self._publish("import.progressed", job, done, entities)

    async def _finish(self, job: Job) -> None:
        entities = await self._entities(job)
        async with self._ledger.single() as connection:
            if not await imports.finish(connection, job, entities):
                return
        self._path(job).unlink(missing_ok=True)
        log.info("import.done", import_id=job.id, total=job.total)
        self._publish("import.done", job, job.total, entities)

    async def _entities(self, job: Job) -> int:
        ((count,),) = await self._graph.query("entities_of_chat", audience=job.audience)
        return int(count)

    def _publish(self, name: str, job: Job, done: int, entities: int) -> None:
        now = self._clock.now()
        self._effects.progressed(ImportEvent(name, job.id, job.total, done, entities, now))
