"""What is done together: nobody is forgotten, whenever they come."""

import asyncio
from collections.abc import Sequence

import pytest

from secondme.pipeline.together import Together


async def _echo(items: Sequence[int]) -> list[int | BaseException]:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return [ValueError() if item < 0 else item for item in items]


async def test_who_calls_again_as_soon_as_it_was_refused_is_served() -> None:
    together = Together(_echo)
    with pytest.raises(ValueError):
        await together(-1)
    async with asyncio.timeout(2):
        assert await together(1) == 1


@pytest.mark.parametrize("first", range(8))
@pytest.mark.parametrize("second", range(8))
async def test_two_are_served_however_they_meet(first: int, second: int) -> None:
    together = Together(_echo)

    async def come(steps: int) -> int:
        for _ in range(steps):
            await asyncio.sleep(0)
        return await together(steps)

    async with asyncio.timeout(2):
        assert list(await asyncio.gather(come(first), come(second))) == [first, second]


async def test_what_comes_while_others_are_served_goes_as_one_group() -> None:
    groups: list[list[int]] = []
    go = asyncio.Event()

    async def work(items: Sequence[int]) -> list[int | BaseException]:
        groups.append(list(items))
        await go.wait()
        return list(items)

    together = Together(work)
    calls = [asyncio.create_task(together(number)) for number in range(2)]
    await asyncio.sleep(0.01)
    calls += [asyncio.create_task(together(number)) for number in range(2, 7)]
    await asyncio.sleep(0.01)
    go.set()
    assert await asyncio.gather(*calls) == list(range(7))
    assert sorted(number for group in groups for number in group) == list(range(7))
    assert groups[-1] == [2, 3, 4, 5, 6]
