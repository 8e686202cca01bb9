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


async def test_what_is_about_the_same_goes_one_after_the_other_and_the_rest_beside_it() -> None:
    groups: list[list[str]] = []
    go = {"a1": asyncio.Event(), "b1": asyncio.Event()}

    async def work(items: Sequence[str]) -> list[str | BaseException]:
        groups.append(list(items))
        if items[0] in go:
            await go[items[0]].wait()
        return list(items)

    together = Together(work, about=lambda item: item.rstrip("0123456789"))
    calls = [asyncio.create_task(together("a1"))]
    await asyncio.sleep(0.01)
    calls += [asyncio.create_task(together(item)) for item in ("a2", "ab3", "b1", "c1", "b4")]
    await asyncio.sleep(0.01)
    assert groups == [["a1"], ["c1"]], "what comes after a message of two waits for both"
    go["a1"].set()
    await asyncio.sleep(0.01)
    assert groups[2:] == [["a2", "ab3", "b1", "b4"]]
    go["b1"].set()
    assert sorted(await asyncio.gather(*calls)) == ["a1", "a2", "ab3", "b1", "b4", "c1"]


async def test_a_group_is_full_by_the_sizes_of_what_is_in_it() -> None:
    groups: list[list[int]] = []

    async def work(items: Sequence[int]) -> list[int | BaseException]:
        groups.append(list(items))
        return list(items)

    together = Together(work, most=10, size=lambda item: item)
    await asyncio.gather(*(together(item) for item in (30, 4, 4, 4, 1)))
    assert groups == [[30], [4, 4, 4], [1]]
