"""What comes within the same moment is done together: one statement, one commit, one trip for all of it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence

_MOST = 100
_AT_ONCE = 2  # groups: one that waits for somebody's lock does not keep the next from going


def _one(item: object) -> int:
    return 1


def _nothing(item: object) -> Collection[Hashable]:
    return ()


class Together[Item, Answer]:
    """Calls with one item each, done by groups. A group is what waits when the one before lets go: nobody waits for it
    to fill, and who comes alone goes alone, at once.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | BaseException]]],
        *,
        most: int = _MOST,
        size: Callable[[Item], int] = _one,
        about: Callable[[Item], Collection[Hashable]] = _nothing,
    ) -> None:
        """`work` gives each item its answer, or an exception to raise; what it raises itself is everybody's.

        A group is full once the sizes of its items come to `most`. Items that are `about` the same are never at work in
        two groups at once: they are done in the order in which they came.
        """
        self._work = work
        self._most = most
        self._size = size
        self._about = about
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._working = 0
        self._held: set[Hashable] = set()  # what the groups at work are about
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself holds them only weakly

    async def __call__(self, item: Item) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._working < min(len(self._waiting), _AT_ONCE):
            self._working += 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _run(self) -> None:
        try:
            while True:
                group, about = self._next()
                if not group:  # what still waits is done by whoever holds it
                    return
                self._held |= about
                try:
                    await self._serve(group)
                finally:
                    self._held -= about
        finally:
            # Here, in one step with the last look at what waits: who calls after it finds nobody at work.
            self._working -= 1

    def _next(self) -> tuple[list[tuple[Item, "asyncio.Future[Answer]"]], set[Hashable]]:
        """The oldest that wait, as far as nobody is at work on what they are about, and what that is."""
        group: list[tuple[Item, asyncio.Future[Answer]]] = []
        later: list[tuple[Item, asyncio.Future[Answer]]] = []
        about, others, room = set[Hashable](), set(self._held), self._most
        for place, waiting in enumerate(self._waiting):
            if room <= 0:
                later += self._waiting[place:]
                break
            of = self._about(waiting[0])
            if others and not others.isdisjoint(of):
                others.update(of)  # whoever comes after this one waits for it as well
                later.append(waiting)
            else:
                about.update(of)
                group.append(waiting)
                room -= self._size(waiting[0])
        self._waiting = later
        return group, about

    async def _serve(self, group: list[tuple[Item, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._work([item for item, _ in group])
        except BaseException as error:
            _tell(group, [error] * len(group))
            if not isinstance(error, Exception):
                raise
        else:
            _tell(group, answers)


def _tell[Item, Answer](
    group: Sequence[tuple[Item, asyncio.Future[Answer]]], answers: Sequence[Answer | BaseException]
) -> None:
    for (_, waiting), answer in zip(group, answers, strict=True):
        if waiting.done():  # cancelled meanwhile
            continue
        if isinstance(answer, BaseException):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)
