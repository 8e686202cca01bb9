"""The chat's name, from what phones call the file."""

from pathlib import Path

import pytest

from secondme.memory.exports import open_export
from tests.memory.exports.writing import lines, pack, write


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("WhatsApp Chat with Ana Ruiz.txt", "Ana Ruiz"),
        ("WhatsApp Chat with Ana (2).txt", "Ana"),
        ("WhatsApp_Chat_with_Ana_Ruiz.txt", "Ana Ruiz"),
        ("WhatsApp Chat - Family 😀.txt", "Family 😀"),
        ("WhatsApp-Chat mit Ernst.txt", "Ernst"),
        ("WhatsApp-chat met De Vries.txt", "De Vries"),
        ("Chat de WhatsApp con Ana.txt", "Ana"),
        ("Chat WhatsApp con Con Man.txt", "Con Man"),
        ("Conversa do WhatsApp com Ana.txt", "Ana"),
        ("Discussion WhatsApp avec Ana.txt", "Ana"),
        ("Чат WhatsApp с\u00a0контактом Ана.txt", "Ана"),
        ("Chat WhatsApp s\u00a0uživatelem Ana.txt", "Ana"),
        ("Ana ile WhatsApp Sohbeti.txt", "Ana"),
        ("family.txt", None),
        ("_chat.txt", None),
    ],
)
def test_a_title(tmp_path: Path, name: str, title: str | None) -> None:
    assert open_export(write(tmp_path, lines("25.04.24"), name)).title == title


def test_the_name_of_the_zip_serves_where_the_chat_has_none(tmp_path: Path) -> None:
    path = pack(tmp_path, {"_chat.txt": lines("25.04.24")}, "WhatsApp Chat - Family.zip")
    assert open_export(path).title == "Family"


def test_an_unpacked_folder_serves_too(tmp_path: Path) -> None:
    folder = tmp_path / "WhatsApp Chat - Family"
    folder.mkdir()
    assert open_export(write(folder, lines("25.04.24"), "_chat.txt")).title == "Family"
