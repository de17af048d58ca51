"""Start the action server: `python -m bot.actions`.

`rasa run actions` would listen on all addresses, with no authentication and one log line per turn.
"""

import hmac
import logging
import os
from typing import TYPE_CHECKING

from bot.quiet import set_environment

if TYPE_CHECKING:
    from sanic import Sanic
    from sanic.request import Request
    from sanic.response import HTTPResponse

DEFAULT_PORT = 5055
TOKEN_HEADER = "X-Teller-Token"  # noqa: S105 (a header's name)


def action_server(token: str) -> "Sanic":
    """The action server; all but `/health` need the internal token."""
    from rasa_sdk.endpoint import create_app
    from sanic.response import json

    from bot.actions.kb_client import knowledge

    # No origins: no page in a browser has any business here.
    app = create_app("bot.actions", cors_origins="")

    @app.on_request
    async def check_token(request: "Request") -> "HTTPResponse | None":
        presented = request.headers.get(TOKEN_HEADER, "")
        if request.path == "/health" or hmac.compare_digest(presented.encode(), token.encode()):
            return None
        return json({"title": "Unauthorized", "status": 401, "code": "unauthorized"}, status=401)

    @app.after_server_stop
    async def close_connections(_app: "Sanic", _loop: object) -> None:
        await knowledge.close()

    return app


def main() -> None:
    set_environment()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    token = os.environ.get("TELLER_INTERNAL_TOKEN", "")
    if not token:
        raise SystemExit("TELLER_INTERNAL_TOKEN is not set")
    port = int(os.environ.get("TELLER_ACTION_PORT", DEFAULT_PORT))
    action_server(token).run(host="127.0.0.1", port=port, access_log=False, motd=False)


if __name__ == "__main__":
    main()
