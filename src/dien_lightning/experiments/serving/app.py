"""The search page over HTTP: for this machine alone, for its own page alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dien_lightning.data.names import spelled
from dien_lightning.experiments.search import choose
from dien_lightning.experiments.serving.service import Service

MOST_BYTES = 10 * 2**20
_MOST_SHOWN = 100
_PAGE = Path(__file__).with_name("page")
_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
_HEADERS = {
    b"content-security-policy": b"default-src 'none'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}


class Guard:
    """Refuse what does not come from the page itself; so no site that the user visits can ask in the user's name.

    Args:
        app: what is guarded.
        hosts: names under which the page may be asked for, with the port.
    """

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS.items()]
            await send(message)

        fault = self.fault(scope)
        answer: ASGIApp = Response(fault, 403, media_type="text/plain") if fault else self.app
        await answer(scope, receive, send_with_headers)

    def fault(self, scope: Scope) -> str:
        """Why a request is refused; empty where it is not."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get(b"host") not in self.hosts:
            return f"This page is at http://{self.hosts[0]} alone."
        origin, changes = headers.get(b"origin"), scope["method"] not in ("GET", "HEAD")
        if (origin or changes) and origin not in [f"http://{host}" for host in self.hosts]:
            return "Only the page itself may ask this."
        if headers.get(b"sec-fetch-site", "none") not in ("same-origin", "none"):
            return "Only the page itself may ask this."
        return ""


def make_app(service: Service, hosts: list[str]) -> ASGIApp:
    """The page's server.

    Args:
        service: what answers.
        hosts: see `Guard`.
    """

    async def search(request: Request) -> Response:
        content = await read_limited(request)
        asked = request.query_params
        camera, top = asked.get("query_camera") or None, asked.get("top") or "20"
        if not top.isdecimal():
            raise ValueError(f"top={top!r} must be a whole number of at least 1; it is the length of the list.")
        how: dict[str, Any] = {
            "top": min(int(top), _MOST_SHOWN),
            "chosen": choose(asked.getlist("camera"), asked.get("after"), asked.get("before")),
            "same_camera": asked.get("same_camera") or "drop",
            "camera": spelled(camera) if camera else None,
        }
        return JSONResponse(await run_in_threadpool(service.search, content, **how))

    async def image(request: Request) -> Response:
        content = await run_in_threadpool(service.image, int(request.path_params["number"]))
        return Response(content, media_type="image/jpeg")

    async def why(request: Request) -> Response:
        asked = request.query_params
        return JSONResponse(await run_in_threadpool(service.why, asked["query"], int(asked["number"])))

    async def mark(request: Request) -> Response:
        asked = request.query_params
        await run_in_threadpool(service.mark, asked["query"], int(asked["number"]), asked["same"])
        return JSONResponse({"kept": True})

    async def about(request: Request) -> Response:
        return JSONResponse({**await run_in_threadpool(service.about), "most_bytes": MOST_BYTES})

    async def file(request: Request) -> Response:
        name, kind = _FILES[request.url.path]
        return Response((_PAGE / name).read_bytes(), media_type=kind)

    routes = [Route(path, file) for path in _FILES]
    routes += [Route("/about", about), Route("/image/{number:int}", image), Route("/why", why)]
    routes += [Route(f"/{name}", answer, methods=["POST"]) for name, answer in (("search", search), ("mark", mark))]
    return Guard(
        Starlette(routes=routes, exception_handlers={KeyError: gone, ValueError: fault, OSError: fault}), hosts
    )


async def read_limited(request: Request) -> bytes:
    """The body of a request, which nobody trusts to say its own size.

    Raises:
        ValueError: it is too long.
    """
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise ValueError(f"The file has more than {MOST_BYTES // 2**20} MB; send one crop.")
    return bytes(content)


def gone(_: Request, __: Exception) -> Response:
    """What a page asks for that an older answer named."""
    return JSONResponse({"error": "That is not here any more; search again."}, 404)


def fault(_: Request, error: Exception) -> Response:
    """A fault of the user's as JSON with one sentence."""
    return JSONResponse({"error": str(error)}, 400)
