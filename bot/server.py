"""Start the Rasa server: `python -m bot.server --model FILE`, in the repository root.

The same as `rasa run`, but on the loopback address alone, with the token from the environment instead of the command
line (which every user of the machine can read), without telemetry and without an access log.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from bot.quiet import quieten_logs, set_environment
from bot.without_tensorflow import stand_in

BOT = Path(__file__).resolve().parent
ADDRESS = "127.0.0.1"
DEFAULT_PORT = 5005
NEEDED = ("TELLER_INTERNAL_TOKEN", "TELLER_EMBEDDING_MODEL")


async def warm_up(app: Any, _loop: Any) -> None:
    """Take one turn before the first customer's: dictionaries load on first use, and take 0.3 s."""
    from rasa.core.channels.channel import UserMessage

    if app.ctx.agent.is_ready():
        await app.ctx.agent.handle_message(UserMessage("您好", sender_id="warm-up"))


def serve(model: Path, port: int, token: str) -> None:
    """Serve until ended. TELLER_ACTION_PORT must be set: endpoints.yml reads it."""
    from rasa.core.run import serve_application
    from rasa.core.utils import AvailableEndpoints

    from bot.action_calls import speed_up

    quieten_logs()
    speed_up()
    serve_application(
        model_path=str(model),
        interface=ADDRESS,
        port=port,
        credentials=str(BOT / "credentials.yml"),
        endpoints=AvailableEndpoints.read_endpoints(str(BOT / "endpoints.yml")),
        auth_token=token,
        server_listeners=[(warm_up, "after_server_start")],
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.server", description="Start the Rasa server on 127.0.0.1.")
    parser.add_argument("--model", type=Path, required=True, help="a model that bot.train made")
    parser.add_argument("--port", type=int, default=int(os.environ.get("TELLER_RASA_PORT", DEFAULT_PORT)))
    options = parser.parse_args(arguments)
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing or not options.model.is_file():
        print(f"not set: {', '.join(missing)}" if missing else f"no model at {options.model}", file=sys.stderr)
        return 2
    os.environ.setdefault("TELLER_ACTION_PORT", "5055")
    os.environ["SANIC_ACCESS_LOG"] = "false"
    set_environment()
    stand_in()
    serve(options.model, options.port, os.environ["TELLER_INTERNAL_TOKEN"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
