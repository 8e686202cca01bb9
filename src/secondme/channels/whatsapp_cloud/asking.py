"""Questions to Graph on behalf of the owner, beside the number itself: none of them is a send."""

from typing import Any

import aiohttp
from yarl import URL

from secondme.channels.whatsapp_cloud.errors import meaning
from secondme.channels.whatsapp_cloud.number import Number
from secondme.domain.errors import ConfigError, SecondMeError

_SECONDS = aiohttp.ClientTimeout(total=5)


async def ask(number: Number, path: str, query: dict[str, str], unknown: str) -> dict[str, Any]:
    """The answer's object, which has `data`.

    `unknown` says what stays open without it. Raises ConfigError with that and with what to do.
    """
    url = URL(f"{number.graph}/{path}")
    try:
        async with (
            aiohttp.ClientSession(headers=number.headers, timeout=_SECONDS) as session,
            session.get(url, params=number.query | query, allow_redirects=False) as answer,
        ):
            status, body = answer.status, await _json(answer)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ConfigError(
            f"{unknown} Meta's API does not answer ({type(error).__name__}): try again."
        ) from error
    if status == 200 and isinstance(body, dict) and isinstance(body.get("data"), list | dict):
        return body
    raise _refused(status, body, unknown)


async def _json(answer: aiohttp.ClientResponse) -> Any:
    try:
        return await answer.json(content_type=None)
    except ValueError:
        return None


def _refused(status: int, body: Any, unknown: str) -> ConfigError:
    error = meaning(status, body if isinstance(body, dict) else None, None)
    said = str(error) if isinstance(error, SecondMeError) else f"Meta's API answers {status}."
    return ConfigError(
        f"{unknown} {said} Check WHATSAPP_BUSINESS_ACCOUNT_ID, and that the token has the permission"
        " whatsapp_business_management."
    )
