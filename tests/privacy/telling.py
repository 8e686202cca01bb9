"""The acts of the story: everything that may happen to words and numbers.

Every text, name and number carries a canary. The owner's own plain replies are kept as examples of their voice, by
design and with consent, also in CACHE:persona: so no canary is among those.
"""

import re
import urllib.request
from http.cookiejar import CookieJar

from tests.privacy.places import NAME, NUMBER, WORD
from tests.privacy.product import SERVICES, Product

ANA, BEN, CEM, DORA = (f"+{NUMBER}{number:04}" for number in (1, 2, 3, 4))
LID = f"{NUMBER}0005@lid"
FAILS = ("drop!", "500!", "404!", "page!", "mind400!", "mindpage!", "mindempty!")


def canary(what: str) -> str:
    """Something that somebody says."""
    return f"{WORD}{what}"


def named(what: str) -> str:
    """Somebody's name."""
    return f"{NAME}{what}"


def export() -> str:
    """A chat whose other side, and all of whose owner's particulars, are canaries."""
    lines = ["28/01/2026, 11:12 - Messages and calls are end-to-end encrypted."]
    for number in range(40):
        minute = f"28/01/2026, 12:{number:02}"
        lines += [
            f"{minute} - {named('partner')}: {canary('asked')} can you come on day {number}? call {DORA}",
            f"{minute} - Lena: sounds good to me, see you then",
            f"{minute} - Lena: my code is {canary('secret')}{number} and my number {DORA}",
            f"{minute} - Lena: {['yes of course', 'no worries', 'haha ok', 'let me check first'][number % 4]}",
        ]
    return "\n".join(lines) + "\n"


def converse(product: Product) -> None:
    """Messages of every kind to every account, with names and numbers, well and badly formed."""
    for account in ("main", "support", "journal"):
        assert product.says(ANA, f"{canary('hello')} {account}", name=named("ana"), account=account) == 200
        product.settled(ANA, account)
    product.says(LID, canary("lid"), name=named("lid"), messageId=canary("id"))
    product.says(ANA, canary("edited"), edits="no-such")
    product.says(BEN, canary("draft"), messageId=canary("m1"), name=named("ben"))
    product.says(BEN, canary("final"), edits=canary("m1"))
    product.says(BEN, canary("regret"), messageId=canary("m2"))
    product.post({"from": BEN, "deletes": canary("m2")})
    product.says(BEN, f"👍{canary('reaction')}", reactsTo=canary("m1"))
    product.says(BEN, canary("reply"), replyTo=canary("m1"))
    product.says(BEN, canary("picture"), kind="image")
    product.settled(BEN)
    product.says(CEM, canary("owner"), fromMe=True, name=named("cem"))
    product.says(CEM, canary("paused"))
    product.post(
        {"messageId": canary("s"), "status": "read", "callback": canary("cb")}, "/simulator/statuses"
    )
    product.settled(CEM)


def misbehave(product: Product) -> None:
    """Requests that are refused, each with a canary wherever a request has room for one."""
    word = canary("bad")
    for body in (
        f"{{{word}".encode(),
        f'"{word}"'.encode(),
        {"from": f"\n{named('bad')}", "text": word},
        {"from": ANA, "text": [word]},
        {"from": ANA, "text": word, "account": word},
        {"from": ANA, "text": word, "account": [word]},
        {"from": ANA, "text": f"{word}\ud83d"},
        {word: word},
    ):
        product.post(body)
    product.post({"from": ANA, "text": word}, f"/{word}?{word}={ANA}")
    product.post({"status": word, "messageId": word}, "/simulator/statuses")
    product.post({"from": ANA, "text": word}, **{"Content-Type": f"text/{word}"})
    product.post({"from": ANA, "text": word}, Host=f"{word}.example", Cookie=word, Referer=f"http://{word}/")
    for service in SERVICES:
        product.scrape(service, f"/{word}?{word}={ANA}")
        product.scrape(service, f"/api/{word}/{ANA}")
    product.scrape("GATEWAY", f"/simulator/messages?with=%00{word}")
    product.scrape("GATEWAY", f"/simulator/messages?with={word}&account={word}")


def fail(product: Product) -> None:
    """Sends and minds that fail in every way; what the other side says about it tells our words back."""
    for number, mark in enumerate(FAILS):
        if not mark.startswith(
            "mind"
        ):  # once each: whatever fails five times in a row is left alone for a while
            product.says(
                f"+{NUMBER}01{number:02}",
                f"{canary('fails')} {mark}",
                name=named("fails"),
                account="support",
            )
        product.says(f"+{NUMBER}02{number:02}", f"{canary('fails')} {mark}", account="journal")
    for number in range(len(FAILS)):
        product.settled(f"+{NUMBER}02{number:02}", "journal", seconds=75)


def visit(product: Product) -> None:
    """The owner looks at everything in the dashboard, and uploads chats there, one of which is none."""
    code, said = product.command("link")
    link = re.search(r"http://\S+", said)
    assert (code, link is not None) == (0, True), said
    assert link is not None
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    browser.open(link.group(), timeout=10).close()
    for path in ("/", "/api/state", "/api/people", "/simulator"):
        browser.open(product.url("DASHBOARD", path), timeout=10).close()
    origin = product.url("DASHBOARD", "")
    for path, file, expected in (
        ("/api/import", export(), "report"),
        ("/api/import", canary("none"), "error"),
        ("/api/import/inspect", export(), "authors"),
    ):
        body, kind = form(file.encode(), me="Lena", keepVoice="yes")
        headers = {"Content-Type": kind, "Origin": origin}
        with browser.open(urllib.request.Request(origin + path, body, headers), timeout=20) as answer:
            assert expected in answer.read().decode().splitlines()[-1], path


def form(file: bytes, **fields: str) -> tuple[bytes, str]:
    """A form with a file whose name is a canary too, and its content type."""
    edge = "edge-of-a-part"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()
    ]
    name = canary("file") + ".txt"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + file + f"\r\n--{edge}--\r\n".encode()
    return body, f"multipart/form-data; boundary={edge}"


def command(product: Product) -> None:
    """What the owner does, with names and numbers on the command line, some of which nobody has."""
    chat = product.folder / "chat.txt"
    chat.write_text(export())
    for words, code in (
        (("import", "chat.txt", "--me", "Lena", "--keep-voice"), 0),
        (("import", "chat.txt", "--me", canary("stranger")), 1),
        (("enable", canary("nobody")), 1),
        (("pause", named("ana"), "--for", "2h"), 0),
    ):
        assert (done := product.command(*words))[0] == code, (words, done)
    chat.unlink()
