"""What comes within the same moment is done together: one statement, one commit, one trip for all of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

_MOST = 100
_AT_ONCE = 2  # groups: one that waits for somebody's lock does not keep the next from going


class Together[Item, Answer]:
    """Calls with one item each, done by groups. A group is what waits when the one before lets go: nobody waits for it
    to fill, and who comes alone goes alone, at once.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | BaseException]]]) -> None:
        """`work` gives each item its answer, or an exception to raise; what it raises itself is everybody's."""
        self._work = work
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._working = 0
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
            while self._waiting:
                group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._serve(group)
        finally:
            # Here, in one step with the last look at what waits: who calls after it finds nobody at work.
            self._working -= 1

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
