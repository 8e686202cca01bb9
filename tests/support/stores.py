"""Databases of single tests, and Redis between them."""

import asyncio
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
from redis.asyncio import Redis


def with_database(dsn: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def copy_of(dsn: str, template: str) -> str:
    """A database of its own, made from a template; returns its address."""
    name = f"t_{uuid4().hex}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await connection.close()
    return with_database(dsn, name)


async def drop_database(dsn: str, name: str) -> None:
    """Drop a test's database. One that autovacuum is just looking at is left to the session's end."""
    connection = await asyncpg.connect(dsn)
    try:
        for _ in range(50):
            try:
                await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
                return
            except (asyncpg.InsufficientPrivilegeError, asyncpg.ObjectInUseError):
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def flush(url: str) -> None:
    """Empty Redis."""
    redis = Redis.from_url(url)
    await redis.flushall()
    await redis.aclose()
