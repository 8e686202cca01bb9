"""What stands after a name: words, media with or without its file, deletions, edits, notices."""

from datetime import datetime
from pathlib import Path

import pytest

from secondme.memory.exports import ExportMessage, Kind, json_line, open_export
from tests.memory.exports.writing import write

LRM, RLM = "\u200e", "\u200f"


def android(folder: Path, body: str, author: str | None = "Ana") -> ExportMessage:
    head = "25.04.24, 10:00 - " + (f"{author}: " if author is not None else "")
    (message,) = open_export(write(folder, f"{head}{body}\n")).messages()
    return message


def iphone(folder: Path, body: str, author: str = "Ana") -> ExportMessage:
    (message,) = open_export(write(folder, f"{LRM}[25.04.24, 10:00:00] {author}: {body}\r\n")).messages()
    return message


@pytest.mark.parametrize(
    ("body", "attachment", "caption"),
    [
        ("IMG-20240425-WA0001.jpg (file attached)", "IMG-20240425-WA0001.jpg", ""),
        (
            f"{LRM}IMG-20240425-WA0001.jpg (file attached)\nlook\nhere",
            "IMG-20240425-WA0001.jpg",
            "look\nhere",
        ),
        (f"{LRM}{LRM}PTT-20240425-WA0025.opus (file attached)", "PTT-20240425-WA0025.opus", ""),
        (
            f"{LRM}4f2680f1db95a845.jpg (Datei angehängt)\nFrohe Ostern.",
            "4f2680f1db95a845.jpg",
            "Frohe Ostern.",
        ),
        (f"{LRM}Ana Ruiz (work).vcf (words of no known language)", "Ana Ruiz (work).vcf", ""),
        ("my notes.v2.pdf (archivo adjunto)", "my notes.v2.pdf", ""),
        (f"2015-08-04-PHOTO-00004762.jpg <{LRM}attached>", "2015-08-04-PHOTO-00004762.jpg", ""),
        (
            "< attached: 00000042-PHOTO-2020-06-07-15-13-20.jpg >",
            "00000042-PHOTO-2020-06-07-15-13-20.jpg",
            "",
        ),
        ("<Media omitted>", None, ""),
        ("<Media omitted>\nthe view", None, "the view"),
        ("<Video note omitted>", None, ""),
        ("<View once voice message omitted>", None, ""),
        ("<Datoteke izpuščene>", None, ""),
        ("image omitted", None, ""),
        ("Bild weggelassen", None, ""),
        ("GIF omitted", None, ""),
    ],
)
def test_media_of_android(tmp_path: Path, body: str, attachment: str | None, caption: str) -> None:
    message = android(tmp_path, body)
    assert (message.kind, message.author) == (Kind.MEDIA, "Ana")
    assert (message.attachment, message.text) == (attachment, caption)


@pytest.mark.parametrize(
    ("body", "attachment", "caption"),
    [
        (f"{LRM}<attached: 00000012-PHOTO.jpg>", "00000012-PHOTO.jpg", ""),
        (f"{LRM}<pièce jointe : 00000012-PHOTO.jpg>", "00000012-PHOTO.jpg", ""),
        (f"{LRM}<附件：00000012-PHOTO.jpg>", "00000012-PHOTO.jpg", ""),
        (f"{LRM}<{RLM}מצורף: 00000012-PHOTO.jpg>", "00000012-PHOTO.jpg", ""),
        (
            f"two lines\nof caption {LRM}<attached: 00000012-PHOTO.jpg>",
            "00000012-PHOTO.jpg",
            "two lines\nof caption",
        ),
        (f"a.pdf • {LRM}2 pages {LRM}<attached: 00000007-a.pdf>", "00000007-a.pdf", "a.pdf • 2 pages"),
        (f"{LRM}image omitted", None, ""),
        (f"the view {LRM}image omitted", None, "the view"),
        (f"{LRM}video note omitted", None, ""),
        (f"a.pdf • {LRM}2 pages {LRM}document omitted", None, "a.pdf • 2 pages"),
        (f"<{LRM}audio omitted>", None, ""),
    ],
)
def test_media_of_an_iphone(tmp_path: Path, body: str, attachment: str | None, caption: str) -> None:
    message = iphone(tmp_path, body)
    assert (message.kind, message.author) == (Kind.MEDIA, "Ana")
    assert (message.attachment, message.text) == (attachment, caption)


@pytest.mark.parametrize(
    "body",
    [
        "<3",
        "<b>bold</b>",
        "see notes.txt (the old one)",
        "if a < b then (c > d)",
        "<https://example.org/photo.jpg>",
        "image omitted from the report",
        "I deleted it (sorry)",
        "This message was deleted, I think",
        "3 (x) <y>",
        f"{RLM}שלום (כן)",
        "null",
    ],
)
def test_words_stay_words(tmp_path: Path, body: str) -> None:
    message = android(tmp_path, body)
    assert (message.kind, message.text, message.attachment, message.edited) == (Kind.TEXT, body, None, False)


@pytest.mark.parametrize(
    "body",
    [
        "This message was deleted",
        "This message was deleted.",
        "You deleted this message",
        "Diese Nachricht wurde gelöscht.",
        "Se eliminó este mensaje.",
        "このメッセージは削除されました。",
        f"{RLM}הודעה זו נמחקה",
        f"{LRM}This message was deleted by admin Bo.",
    ],
)
def test_deletions(tmp_path: Path, body: str) -> None:
    for message in (android(tmp_path, body), iphone(tmp_path, LRM + body)):
        assert (message.kind, message.author, message.text) == (Kind.DELETED, "Ana", "")


@pytest.mark.parametrize(
    "note",
    [
        "<This message was edited>",
        f"{LRM}<This message was edited>",
        "<Diese Nachricht wurde bearbeitet.>",
        "<Se editó este mensaje.>",
        f"{LRM}<words of no known language>",
    ],
)
def test_edits(tmp_path: Path, note: str) -> None:
    for message in (
        android(tmp_path, f"see you\nat eight {note}"),
        iphone(tmp_path, f"see you\nat eight {note}"),
    ):
        assert (message.kind, message.text, message.edited) == (Kind.TEXT, "see you\nat eight", True)


def test_an_edited_caption(tmp_path: Path) -> None:
    message = android(
        tmp_path, f"{LRM}VID-20240425-WA0001.mp4 (file attached)\nthe sea {LRM}<This message was edited>"
    )
    assert (message.kind, message.text, message.edited) == (Kind.MEDIA, "the sea", True)


@pytest.mark.parametrize(
    "body",
    [
        f"{LRM}Messages and calls are end-to-end encrypted.",
        f"{LRM}Ana Ruiz created group “Party 🎉”",
        f"{LRM}Voice call, {LRM}3 min",
        f"{LRM}Missed voice call",
    ],
)
def test_notices_of_an_iphone_name_nobody(tmp_path: Path, body: str) -> None:
    message = iphone(tmp_path, body, "Party 🎉")
    assert (message.kind, message.author, message.text) == (Kind.SYSTEM, None, body.replace(LRM, ""))


@pytest.mark.parametrize(
    "body",
    [
        f"{LRM}POLL:\nPizza?\n{LRM}OPTION: yes ({LRM}2 votes)",
        f"{LRM}Location: https://maps.google.com/?q=1.5,2.5",
        f"{LRM}No idea, lets try it out!",
    ],
)
def test_what_people_did_on_an_iphone_stays_theirs(tmp_path: Path, body: str) -> None:
    message = iphone(tmp_path, body)
    assert (message.kind, message.author, message.text) == (Kind.TEXT, "Ana", body.replace(LRM, ""))


@pytest.mark.parametrize(
    "line",
    [
        "Bo added Cleo",
        'Bo changed the subject from "Trip: Rome" to "Trip: Oslo"',
        "Bo changed the subject to “Trip: Rome”",
        "Missed video call",
    ],
)
def test_notices_of_android(tmp_path: Path, line: str) -> None:
    message = android(tmp_path, line, None)
    assert (message.kind, message.author, message.text) == (Kind.SYSTEM, None, line)


def test_a_missed_call_is_a_notice_though_a_name_stands_before_it(tmp_path: Path) -> None:
    message = android(tmp_path, "Missed voice call")
    assert (message.kind, message.author) == (Kind.SYSTEM, None)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("\u202a+49\u00a0151\u00a0234\u202c", "+49 151 234"),
        ("~\u202fCleo", "Cleo"),
        ("~ Cleo", "Cleo"),
        (f"{LRM}Bo 😀", "Bo 😀"),
        ("John-John O'Neil (work) [2]", "John-John O'Neil (work) [2]"),
        ("محمد", "محمد"),
    ],
)
def test_names_are_cleaned(tmp_path: Path, written: str, name: str) -> None:
    assert android(tmp_path, "hello", written).author == name
    assert iphone(tmp_path, "hello", written).author == name


@pytest.mark.parametrize("body", ["", " ", "."])
def test_an_almost_empty_message_is_one(tmp_path: Path, body: str) -> None:
    assert android(tmp_path, body).text == body


def test_a_name_without_a_space_after_it(tmp_path: Path) -> None:
    first, second = open_export(write(tmp_path, "25.04.24, 10:00 - Ana:\n25.04.24, 10:01 - Bo: x")).messages()
    assert (first.author, first.text, second.author) == ("Ana", "", "Bo")


def test_a_line_of_json() -> None:
    message = ExportMessage(datetime(2024, 4, 25, 10, 0, 7), "Zoë", Kind.MEDIA, "a\n\u2028b", "x.jpg", True)
    assert json_line(message) == (
        '{"at": "2024-04-25T10:00:07", "author": "Zoë", "kind": "media", '
        '"text": "a\\n\\u2028b", "attachment": "x.jpg"}'
    )
