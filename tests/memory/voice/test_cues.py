"""Cues and the index that finds the nearest ones."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondme.memory.voice import VoiceIndex, cue
from secondme.memory.voice.cues import MOST_HASHES

KEY = b"a key"


@given(st.lists(st.text(max_size=200), max_size=5))
def test_a_cue_is_a_bounded_set_of_63_bit_numbers(texts: list[str]) -> None:
    found = cue(texts, KEY)
    assert len(found) == len(set(found)) <= MOST_HASHES
    assert all(0 <= value < 2**63 for value in found)
    assert found == cue(texts, KEY)


def test_another_key_shares_nothing() -> None:
    text = ["are we climbing on saturday?"]
    assert not set(cue(text, KEY)) & set(cue(text, b"another key"))


def test_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="key"):
        cue(["hi"], b"")


def test_silence_has_no_cue() -> None:
    assert cue(["", "  "], KEY) == ()


def test_spelling_does_not_matter() -> None:
    assert cue(["SOOOO tired"], KEY) == cue(["sooo tired"], KEY)


def index(*texts: str) -> VoiceIndex:
    found = VoiceIndex()
    for text in texts:
        found.add(cue([text], KEY))
    return found


def test_the_same_words_are_nearest_and_the_same_stems_are_near() -> None:
    found = index("did you feed the cat?", "the train is late", "hello there")
    ((place, closeness),) = found.nearest(cue(["did you feed the cat?"], KEY), 1)
    assert place == 0
    assert closeness == pytest.approx(1.0)
    stems = found.nearest(cue(["feeding cats"], KEY), 3)
    assert stems[0][0] == 0
    assert 0.05 < stems[0][1] < 0.7


def test_rare_words_weigh_more_than_common_ones() -> None:
    common = [f"are you at home {word}?" for word in ("now", "today", "later", "again", "soon")]
    found = index(*common, "the dentist called")
    assert found.nearest(cue(["are you at the dentist?"], KEY), 1)[0][0] == 5


def test_of_equals_the_later_comes_first() -> None:
    assert [place for place, _ in index("tea?", "tea?", "tea?").nearest(cue(["tea?"], KEY), 2)] == [2, 1]


def test_an_addition_is_found_at_once() -> None:
    found = index("tea?")
    assert found.nearest(cue(["coffee?"], KEY), 1)[0][1] < 0.5
    assert found.add(cue(["coffee?"], KEY)) == 1
    ((place, closeness),) = found.nearest(cue(["coffee?"], KEY), 1)
    assert place == 1
    assert closeness == pytest.approx(1.0)
    assert len(found) == 2


def test_an_empty_index_knows_nothing() -> None:
    assert VoiceIndex().nearest(cue(["tea?"], KEY), 3) == []


def test_fifty_thousand_cues_answer_quickly() -> None:
    draw, found = random.Random(3), VoiceIndex()
    cues = [tuple(int(draw.paretovariate(0.4)) % 2**40 for _ in range(20)) for _ in range(50_000)]
    for hashes in cues:
        found.add(hashes)
    found.nearest((), 0)
    begin = time.process_time()
    for hashes in cues[:50]:
        found.nearest(hashes, 12)
    assert (time.process_time() - begin) / 50 < 0.05
