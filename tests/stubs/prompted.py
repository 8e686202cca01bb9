"""What a model is asked, whichever wire brings it."""

import re
from typing import Any


def last_message(body: dict[str, Any]) -> str:
    """The last of the messages that wait for an answer."""
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else "".join(block["text"] for block in content)
    return str(re.findall(r"<message[^>]*>(.*?)</message>", text, re.DOTALL)[-1])
