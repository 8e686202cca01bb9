"""The dashboard as an ASGI application: pages, static files, the API, and the shield around them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from secondme.domain.errors import Ambiguous, Invalid, NotFound, SecondMeError, StoreUnavailable
from secondme.observe import metrics
from secondme.observe.logs import get_logger
from secondme.web.dashboard.api import routes
from secondme.web.dashboard.auth import SESSION_LIVES, Sessions, take_link
from secondme.web.dashboard.importing import in_words, needs_order, upload_folder
from secondme.web.dashboard.news import News, TooManyPages
from secondme.web.dashboard.phones import GatewayAway
from secondme.web.dashboard.shield import Shield
from secondme.web.dashboard.upload import sweep
from secondme.wiring import App

log = get_logger("dashboard")
_HERE = Path(__file__).parent
_STATUS: dict[type[SecondMeError], int] = {
    Invalid: 400,
    NotFound: 404,
    Ambiguous: 409,
    StoreUnavailable: 503,
    GatewayAway: 503,
    TooManyPages: 503,
}
_STORE_AWAY = "The ledger or Redis does not answer, so nothing can be shown. Nothing is sent meanwhile."


def create_dashboard(app: App) -> FastAPI:
    """The dashboard of one wired App. `state.news.drain` ends the pages' streams when the server is to stop."""
    news = News(app.signals)
    web = FastAPI(
        title="SecondMe",
        summary="What the dashboard does, for scripts: sign in with the link of `secondme link`.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    web.state.news = news
    sweep(upload_folder(app), left_over=0)  # a port of ours has one holder: what lies there, a crash left
    pages = Pages(app)
    web.include_router(routes(app, news))
    web.mount("/static", StaticFiles(directory=_HERE / "static"))
    _pages(web, app, pages, news)
    _common(web, app)
    _errors(web)
    web.add_middleware(Shield, sessions=pages.sessions, unknown=pages.signed_out)
    return web


class Pages:
    """The few pages that are HTML."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.sessions = Sessions(app.ledger, app.settings.dashboard_port)
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.filters["shape"] = shape

    def render(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(name).render(**values), status)

    def signed_out(self, request: Request) -> Response:
        """What a page answers without a session."""
        return self.render("link.html", 401, used=False)

    async def start(self, request: Request) -> Response:
        """Take a one-time link, set the cookie, go on to the page."""
        if not await take_link(self._app, request.query_params.get("token", "")):
            if await self.sessions.good(request.cookies.get(self.sessions.cookie)):
                return RedirectResponse("/simulator", 303)  # clicked twice, by somebody who is in
            return self.render("link.html", 401, used=True)
        answer: Response
        if request.headers.get("sec-fetch-site") == "cross-site":
            # A strict cookie is not sent along a redirect that began on another site; a fresh step from here is ours.
            answer = self.render("onward.html")
        else:
            answer = RedirectResponse("/simulator", 303)
        answer.set_cookie(
            self.sessions.cookie,
            await self.sessions.new(),
            max_age=int(SESSION_LIVES.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    async def sign_out(self) -> Response:
        """End every session, this one too."""
        await self.sessions.end()
        answer = Response(status_code=204)
        answer.delete_cookie(self.sessions.cookie, httponly=True, samesite="strict")
        return answer


def _pages(web: FastAPI, app: App, pages: Pages, news: News) -> None:
    simulated = any(account.channel == "simulator" for account in app.accounts.values())
    title = "Simulator" if simulated else "Conversations"

    @web.get("/start", include_in_schema=False)
    async def start(request: Request) -> Response:
        return await pages.start(request)

    @web.get("/", include_in_schema=False)
    async def home() -> Response:
        return RedirectResponse("/simulator", 303)

    @web.get("/simulator", include_in_schema=False)
    async def simulator() -> Response:
        return pages.render("simulator.html", title=title)

    @web.post("/api/sign-out", status_code=204, summary="Sign out every browser, this one too")
    async def sign_out() -> Response:
        answer = await pages.sign_out()
        news.hang_up()
        return answer

    @web.get("/api/docs", include_in_schema=False)
    async def docs() -> Response:
        return pages.render("docs.html", schema=web.openapi())

    @web.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Response:
        return RedirectResponse("/static/icon.svg", 301)


def _common(web: FastAPI, app: App) -> None:
    @web.get("/health", include_in_schema=False)
    @web.get("/api/health", summary="What this service depends on, and how each is")
    async def health() -> Response:
        state = {"service": "dashboard", **await app.health()}
        return JSONResponse(state, 503 if state["status"] == "down" else 200)

    @web.get("/metrics", include_in_schema=False)
    async def show_metrics() -> Response:
        return Response(metrics.render(), headers={"content-type": metrics.CONTENT_TYPE})


def _errors(web: FastAPI) -> None:
    @web.exception_handler(SecondMeError)
    async def ours(request: Request, error: SecondMeError) -> Response:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 422)
        body = {"error": _STORE_AWAY if isinstance(error, StoreUnavailable) else in_words(error)}
        if needs_order(error):
            body["needs"] = "order"
        return JSONResponse(body, status)

    @web.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: RequestValidationError) -> Response:
        # Names of fields only: what was in them is somebody's message.
        fields = sorted({".".join(str(part) for part in e["loc"][1:]) or "body" for e in error.errors()})
        return JSONResponse(
            {"error": f"These cannot be used: {', '.join(fields)}. See /api/openapi.json."}, 400
        )

    @web.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @web.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("request.failed", error=type(error).__name__, status=500)
        return JSONResponse(
            {"error": "Something failed here; nothing was changed. Try again, and see the log."}, 500
        )


def shape(kind: Mapping[str, Any]) -> str:
    """A JSON schema in a few words, for the list of routes."""
    if "$ref" in kind:
        return str(kind["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in kind:
        return " or ".join(shape(one) for one in kind["anyOf"])
    if "enum" in kind:
        return ", ".join(map(str, kind["enum"]))
    if kind.get("type") == "array":
        return f"list of {shape(kind['items'])}"
    return str(kind.get("format", kind.get("type", "anything")))
