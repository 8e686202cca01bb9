"""WhatsApp exports: a .txt or .zip of any language, read as a stream of messages.

`open_export` finds the layout and refuses what is no export; `Export.messages` streams it. README.md lists
the layouts.
"""

from secondme.memory.exports.errors import DateOrderAmbiguous, DayPeriodUnknown, ExportError
from secondme.memory.exports.message import ExportMessage, Kind, Layout, json_line
from secondme.memory.exports.reader import Export, open_export

__all__ = [
    "DateOrderAmbiguous",
    "DayPeriodUnknown",
    "Export",
    "ExportError",
    "ExportMessage",
    "Kind",
    "Layout",
    "json_line",
    "open_export",
]
