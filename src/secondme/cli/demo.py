"""What `up --demo` puts into an empty ledger: an invented owner's voice, and three invented people to talk to."""

from importlib.resources import as_file, files
from uuid import UUID

from secondme.domain.errors import ConfigError
from secondme.memory.voice.lessons import OWN_PERSONA
from secondme.settings import Settings
from secondme.stores.ledger import people, voices
from secondme.wiring import App, Say

_ME = "Lena Brandt"
_CHAT = ("samples", "lena", "WhatsApp Chat with Mara Ruiz.txt")
_MARA = "+12025550111"  # numbers are fictional: 555-01xx
# Name, number, relationship, whether they may be answered.
_PEOPLE = (
    ("Mara Ruiz", _MARA, "friend", True),
    ("Tom Okafor", "+12025550122", "colleague", True),
    ("Dr. Jana Berg", "+12025550133", "client", False),
)


def phones_only(settings: Settings) -> None:
    """A demo is played on simulated phones alone. Raises ConfigError naming the accounts that are real numbers."""
    real = [f"{a.id} ({a.channel})" for a in settings.all_accounts if a.channel != "simulator"]
    if real:
        raise ConfigError(
            f"--demo brings invented people, and these accounts are real numbers: {', '.join(real)}. Leave --demo out,"
            " or try it in an empty folder, in a shell without SECONDME_CHANNEL."
        )


async def seed(app: App, say: Say) -> None:
    """Fill an empty ledger, or what a start that was killed left of it; where somebody real is known, change nothing.

    Raises StoreUnavailable.
    """
    known = {row.address: row.id for row in await app.control.everyone()}
    if known and known.keys().isdisjoint(number for _, number, _, _ in _PEOPLE):
        say("This data directory already knows people, so nothing was added for the demo.")
        return
    mara = known.get(_MARA) if known else await _meet(app)
    if mara and await _has_no_voice(app):
        await _learn(app, mara, say)
    if not known:
        say("Three invented people are there to talk to: Mara and Tom may be answered, Dr. Berg may not.")


async def _has_no_voice(app: App) -> bool:
    async with app.ledger.transaction() as tx:
        learned = any(p.id == OWN_PERSONA for p in await voices.personas(tx, app.ledger.vault))
    return not learned


async def _learn(app: App, mara: UUID, say: Say) -> None:
    say(f"Learning the voice of {_ME}, who is invented, from her chat with Mara …")
    with as_file(files("secondme").joinpath(*_CHAT)) as path:
        report = await app.importer.run(path, _ME, keep_voice=True, whom=mara)
    say(f"Read {report.messages:,} messages; kept {report.kept:,} replies of hers to answer from.")


async def _meet(app: App) -> UUID:
    """Make their contacts; returns Mara's, whose chat is there to learn from."""
    account = app.accounts.get("main") or next(iter(app.accounts.values()))
    network, vault, now = people.network_of(account.channel), app.ledger.vault, app.clock.now()
    addresses = [
        people.Address(account, network, vault.digest("address", network, number), number, name)
        for name, number, _, _ in _PEOPLE
    ]
    async with app.ledger.transaction() as tx:
        met = await people.resolve(tx, vault, addresses, now)
        for whom, (_, _, relationship, enabled) in zip(met, _PEOPLE, strict=True):
            await people.set_relationship(tx, whom.contact_id, relationship, None)
            await people.set_enabled(tx, whom.contact_id, enabled)
    return met[0].contact_id
