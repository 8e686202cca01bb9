"""Which mind answers: the model that the settings name, else the offline mind."""

from collections.abc import Mapping

from secondme.llm.offline import OfflineMind
from secondme.ports import Mind


def make_mind(models: str | None, environment: Mapping[str, str]) -> Mind:
    """The mind for SECONDME_MODELS; offline where it is empty. `environment` holds keys and base URLs by variable.

    Raises ConfigError for a model that cannot be asked; a failing model never falls through to the offline mind.
    """
    if not models:
        return OfflineMind()
    from secondme.llm.openai_wire import OpenAIMind
    from secondme.llm.providers import parse_model

    return OpenAIMind(parse_model(models, environment))
