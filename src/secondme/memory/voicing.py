"""The learned voice, made anew from what the imported chats taught, whenever one of them comes or goes."""

from datetime import datetime

from secondme.memory.voice import lessons
from secondme.stores.ledger import Connection, voices
from secondme.stores.vault import Vault


async def relearn(tx: Connection, vault: Vault, now: datetime) -> int:
    """Make the learned personas anew. Returns how many there are; those that nothing teaches any more go.

    In the transaction that changed the imports: no moment is seen in which a persona quotes what has been forgotten.
    """
    known = await voices.personas(tx, vault)
    defaults = [persona for persona in known if persona.id not in voices.LEARNED]
    learned = lessons.personas(await voices.lessons(tx, vault), defaults)
    await voices.put_learned(tx, vault, learned, now)
    return len(learned)
