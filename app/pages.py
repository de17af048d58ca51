"""The built pages: the chat page at /, the widget's script, the console."""

from fastapi import FastAPI
from fastapi.responses import FileResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles

from core.settings import PROJECT

DIST = PROJECT / "web" / "dist"
REVALIDATE = {"Cache-Control": "no-cache"}  # pages name hashed assets; they themselves must be fresh


def mount_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def chat_page() -> Response:
        return _page("index.html")

    @app.get("/widget.js", include_in_schema=False)
    async def widget() -> Response:
        return _page("widget.js")

    @app.get("/console", include_in_schema=False)
    @app.get("/console/{_path:path}", include_in_schema=False)
    async def console(_path: str = "") -> Response:
        return _page("console/index.html")

    app.mount("/", StaticFiles(directory=DIST, check_dir=False), name="pages")


def _page(name: str) -> Response:
    file = DIST / name
    if not file.is_file():
        return PlainTextResponse("The pages are not built. Run: make setup", status_code=503)
    return FileResponse(file, headers=REVALIDATE)
