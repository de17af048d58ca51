"""Errors that know their code, their HTTP status and whether trying again helps (RFC 9457 problem details)."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Base of every expected error. Subclasses set `code` (stable, for programs), `status` and `title` (for people)."""

    code = "internal_error"
    status = 500
    title = "系统繁忙，请稍后再试"
    retry = False
    headers: dict[str, str] | None = None

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extra = extra

    def body(self) -> dict[str, Any]:
        content = {"type": "about:blank", "title": self.title, "status": self.status, "code": self.code}
        if self.detail:
            content["detail"] = self.detail
        return content | {"retry": self.retry} | self.extra


class NotFound(Problem):
    code = "not_found"
    status = 404
    title = "没有找到"


class Unauthenticated(Problem):
    code = "unauthenticated"
    status = 401
    title = "请先登录"


class Forbidden(Problem):
    code = "forbidden"
    status = 403
    title = "没有权限"


class InvalidInput(Problem):
    code = "invalid_input"
    status = 422
    title = "输入内容不符合要求"


class Conflict(Problem):
    code = "conflict"
    status = 409
    title = "内容已被修改"


class Unavailable(Problem):
    code = "unavailable"
    status = 503
    title = "服务暂时不可用"
    retry = True


_CODES = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def install_problem_handlers(app: FastAPI) -> None:
    """Every error of `app` leaves as problem details; an unexpected one is logged whole and told without its inside."""

    @app.exception_handler(Problem)
    async def expected(_request: Request, problem: Problem) -> JSONResponse:
        return _response(problem.body(), problem.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        # The rejected values are left out: they may be personal data.
        fields = [
            {"field": ".".join(str(part) for part in item["loc"]), "problem": item["msg"]} for item in error.errors()
        ]
        return _response(InvalidInput(fields=fields).body())

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        code = _CODES.get(error.status_code, "http_error")
        return _response({"type": "about:blank", "title": str(error.detail), "status": error.status_code, "code": code})

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", path=request.url.path, exc_info=error)
        return _response(Problem().body())


def _response(content: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(content, status_code=content["status"], media_type=MEDIA_TYPE, headers=headers)
