"""What a Redis, or a FalkorDB, keeps on its disk, written anew from what it holds now."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

type Command = Callable[..., Awaitable[Any]]  # of the server's own, word by word

_POLL = 0.05  # seconds


async def rewrite(command: Command) -> bool:
    """Have the server write its files anew. False where it could not: its log says why. Takes as long as that does."""
    state, done = await command("INFO", "persistence"), True
    if state["aof_enabled"]:
        done &= await _write(command, "BGREWRITEAOF", "aof_last_bgrewrite_status")
    if state["rdb_saves"] or not state["aof_enabled"]:
        done &= await _write(command, "BGSAVE", "rdb_last_bgsave_status")
    return done


async def _write(command: Command, word: str, status: str) -> bool:
    """Begin one writing and see it end. One that runs already may have begun too early, so it is waited for first."""
    while True:
        await _idle(command)
        try:
            await command(word)
        except Exception as error:  # each client has words of its own for a refusal
            if "in progress" not in f"{error} {error.__cause__}":
                raise
        else:
            break
    return bool((await _idle(command))[status] == "ok")


async def _idle(command: Command) -> Mapping[str, Any]:
    """The server's state once it writes no files."""
    while True:
        state: Mapping[str, Any] = await command("INFO", "persistence")
        busy = any(state[f"{what}_in_progress"] for what in ("aof_rewrite", "rdb_bgsave"))
        if not busy and not state["aof_rewrite_scheduled"]:
            return state
        await asyncio.sleep(_POLL)
