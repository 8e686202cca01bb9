"""The simulated phones' way to the gateway: what one types here goes through the same door as any webhook."""

from typing import Any
from uuid import uuid4

import aiohttp

from secondme.domain.errors import Invalid, SecondMeError
from secondme.stores.ledger import glances
from secondme.web.dashboard.views import PhoneMessage, TakenView
from secondme.wiring import App

_PATIENCE = aiohttp.ClientTimeout(total=10, connect=2)  # seconds


class GatewayAway(SecondMeError):
    """The gateway does not answer; nothing was taken, or nobody knows."""


async def send(app: App, message: PhoneMessage) -> TakenView:
    """Hand a message to the gateway; returns once it is durable. Raises GatewayAway, or Invalid with its word."""
    body = {"messageId": f"sim-{uuid4()}"} | message.model_dump(by_alias=True, exclude_none=True)
    status, answer = await _post(app.settings.gateway_port, body)
    if status != 200:
        told = answer.get("error")
        raise (
            Invalid(told)
            if status < 500 and isinstance(told, str)
            else GatewayAway(told or "The gateway failed.")
        )
    account = message.account or next(iter(app.accounts))
    async with app.ledger.transaction() as tx:
        where = await glances.conversation_of(tx, app.ledger.vault, account, answer["messageId"])
    return TakenView(message_id=answer["messageId"], conversation_id=where)


async def _post(port: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    url = f"http://127.0.0.1:{port}/simulator/messages"
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.post(url, json=body) as answer,
        ):
            found = await answer.json(content_type=None)
            return answer.status, found if isinstance(found, dict) else {}
    except aiohttp.ClientConnectorError:
        raise GatewayAway(
            f"The gateway on port {port} does not answer, so the message was not taken."
            " Start it with `secondme gateway` (or `secondme up`) and send again."
        ) from None
    except (aiohttp.ClientError, TimeoutError, ValueError):
        raise GatewayAway(
            f"The gateway on port {port} broke off before it answered. Sending again is safe with"
            f' "messageId": "{body["messageId"]}": it takes a message once.'
        ) from None
