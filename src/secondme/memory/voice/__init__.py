"""The owner's voice: measured, learned from their own chats, found again when something like it is asked.

`learn.learn` and `evaluate.evaluate` are imported from their modules, whose names they bear.
"""

from secondme.memory.voice.cues import VoiceIndex, cue
from secondme.memory.voice.evaluate import Picker, Report, split
from secondme.memory.voice.learn import Learned
from secondme.memory.voice.lessons import OWN_PERSONA
from secondme.memory.voice.own import OwnVoice
from secondme.memory.voice.pairs import MOST_PAIRS, ChatMessage, Pair, reply_pairs
from secondme.memory.voice.style import StyleMeter, measure, style_distance

__all__ = [
    "MOST_PAIRS",
    "OWN_PERSONA",
    "ChatMessage",
    "Learned",
    "OwnVoice",
    "Pair",
    "Picker",
    "Report",
    "StyleMeter",
    "VoiceIndex",
    "cue",
    "measure",
    "reply_pairs",
    "split",
    "style_distance",
]
