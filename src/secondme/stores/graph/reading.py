"""A row of the graph as a Fact."""

from secondme.domain.fact import Fact, Predicate
from secondme.stores.graph.phrases import sentence, speaker
from secondme.stores.graph.values import Row

_COLUMNS = 14  # of the fact itself


def fact(row: Row, audience: tuple[str, ...] = (), closeness: float = 0.0) -> Fact:
    """From the columns that every query of facts begins with.

    They are: id, predicate, holds, self, value, the names of subject, object and teller, and teller, source, saidAt,
    validFrom, validTo, confidence.
    """
    id, predicate, holds, of_self, value, subject, object, named, *rest = row[:_COLUMNS]
    teller, source, said_at, valid_from, valid_to, confidence = rest
    who = speaker(teller, named) if of_self else subject
    stated = object if object is not None else value
    return Fact(
        id=id,
        predicate=Predicate(predicate),
        text=sentence(predicate, who, stated, holds),
        teller=teller,
        source=source,
        said_at=said_at,
        valid_from=valid_from,
        valid_to=valid_to,
        confidence=confidence,
        audience=audience,
        about=tuple(name for name in (who, object) if name),
        closeness=closeness,
    )
