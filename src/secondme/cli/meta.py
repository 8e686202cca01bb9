"""What doctor says about a number on Meta's API: whether the token works, and what has been heard of it so far."""

from datetime import datetime
from zoneinfo import ZoneInfo

from secondme.channels.whatsapp_cloud import Number, WhatsAppCloudChannel
from secondme.stores.ledger import Ledger, glances


async def look(ledger: Ledger, zone: ZoneInfo, number: Number) -> str:
    """A note. Raises SecondMeError with what to do.

    Which fields are subscribed cannot be asked with the number's own token, so what has arrived has to tell.
    """
    channel = WhatsAppCloudChannel(number)
    try:
        said = await channel.look()
    finally:
        await channel.close()
    async with ledger.transaction() as tx:
        from_contacts, from_owner = await glances.last_heard(tx, number.account_id)
    return (
        f"{said}; the app secret is set; field messages: {_heard(from_contacts, zone)};"
        f" field smb_message_echoes (what you write in the Business app): {_heard(from_owner, zone)}"
    )


def _heard(last: datetime | None, zone: ZoneInfo) -> str:
    if last is None:
        return "nothing yet, see that it is subscribed"
    return f"last {last.astimezone(zone):%Y-%m-%d %H:%M}"
