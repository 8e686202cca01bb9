"""The routes of `/api`: thin, each one call."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import StreamingResponse

from secondme.domain.persona import RELATIONSHIPS
from secondme.web.dashboard import acting, importing, looking, phones, receipts
from secondme.web.dashboard.news import News
from secondme.web.dashboard.views import (
    ConversationView,
    InspectedView,
    PauseBody,
    PeopleView,
    PhoneMessage,
    PressedView,
    ReadView,
    RelationshipBody,
    RememberedView,
    ResumedView,
    SampleBody,
    SampleView,
    StateView,
    TakenView,
    WhyView,
)
from secondme.wiring import App

# The forms come as streams that are read by hand, so the schema is told by hand.
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "me": {"type": "string"},
                        "keepVoice": {"enum": ["yes", "no"]},
                        "order": {"enum": ["dmy", "mdy", "ymd"]},
                        "contact": {"type": "string", "format": "uuid"},
                        "relationship": {"enum": list(RELATIONSHIPS)},
                        "file": {"type": "string", "format": "binary"},
                    },
                }
            }
        },
    }
}


def routes(app: App, news: News) -> APIRouter:
    """Everything under `/api`."""
    api = APIRouter(prefix="/api")
    _looking(api, app, news)
    _conversations(api, app)
    _switch(api, app)
    _imports(api, app)
    return api


def _looking(api: APIRouter, app: App, news: News) -> None:
    @api.get("/state", summary="How things stand")
    async def state() -> StateView:
        return await looking.state(app)

    @api.get("/people", summary="Who writes to which account, newest talk first")
    async def people() -> PeopleView:
        return PeopleView(people=await looking.everybody(app))

    @api.get("/conversations/{conversation_id}", summary="One person with their thread")
    async def conversation(conversation_id: UUID) -> ConversationView:
        return await looking.conversation(app, conversation_id)

    @api.get("/why/{bubble_id}", summary="The receipt behind a message or a reply")
    async def why(bubble_id: UUID) -> WhyView:
        return await receipts.why(app, bubble_id)

    @api.get("/events", summary="What happens, as server-sent events: ids and states, never content")
    async def events() -> Response:
        return StreamingResponse(
            news.listen(), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )


def _conversations(api: APIRouter, app: App) -> None:
    @api.post("/simulator/messages", summary="Write from a simulated phone")
    async def send(message: PhoneMessage) -> TakenView:
        return await phones.send(app, message)

    @api.post(
        "/conversations/{conversation_id}/enable", status_code=204, summary="Let this contact be answered"
    )
    async def enable(conversation_id: UUID) -> None:
        await acting.enable(app, conversation_id, True)

    @api.post(
        "/conversations/{conversation_id}/disable", status_code=204, summary="Never answer this contact"
    )
    async def disable(conversation_id: UUID) -> None:
        await acting.enable(app, conversation_id, False)

    @api.post(
        "/conversations/{conversation_id}/pause",
        summary="Pause this contact, for so many minutes or until resumed",
    )
    async def pause(conversation_id: UUID, body: Annotated[PauseBody | None, Body()] = None) -> PressedView:
        return await acting.pause(app, conversation_id, body.minutes if body else None)

    @api.post("/conversations/{conversation_id}/resume", summary="Lift this contact's pauses")
    async def resume(conversation_id: UUID) -> ResumedView:
        return await acting.resume(app, conversation_id)

    @api.post("/conversations/{conversation_id}/read", summary="The simulated phone looked at the thread")
    async def read(conversation_id: UUID) -> ReadView:
        return ReadView(marked=await acting.mark_read(app, conversation_id))

    @api.post("/contacts/{contact_id}/relationship", status_code=204, summary="How you know this contact")
    async def relate(contact_id: UUID, body: RelationshipBody) -> None:
        await acting.relate(app, contact_id, body)


def _switch(api: APIRouter, app: App) -> None:
    @api.post("/stop", summary="Stop everything; when this answers, nothing leaves but what it names")
    async def stop() -> PressedView:
        return await acting.stop_everything(app)

    @api.post("/resume", summary="Lift the stop of everything")
    async def resume() -> ResumedView:
        return await acting.resume_everything(app)


def _imports(api: APIRouter, app: App) -> None:
    @api.get("/import/samples", summary="Chats that come with SecondMe")
    async def samples() -> list[SampleView]:
        return importing.samples()

    @api.get("/import/samples/{name}", summary="Who writes in a bundled chat")
    async def sample(name: str) -> InspectedView:
        return await importing.inspect_sample(app, name)

    @api.post("/import/inspect", openapi_extra=_FORM, summary="Who writes in an export; nothing is kept")
    async def inspect(request: Request) -> InspectedView:
        return await importing.inspect(app, request)

    @api.post("/import", openapi_extra=_FORM, summary="Learn from an export; answers lines of JSON")
    async def run(request: Request) -> Response:
        return await importing.run(app, request)

    @api.get("/imports/{import_id}", summary="How far memory has come with an import")
    async def remembered(import_id: UUID) -> RememberedView:
        return await importing.remembered(app, import_id)

    @api.post("/import/sample", summary="Learn from a bundled chat; answers lines of JSON")
    async def run_sample(body: SampleBody) -> Response:
        return await importing.run_sample(app, body)
