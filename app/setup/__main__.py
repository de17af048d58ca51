"""`python3.11 -m app.setup [--dev] [--database]`: build everything that can be built. Runs under a bare interpreter."""

import argparse
import sys
import time

from app.setup.commands import StepFailed
from app.setup.display import Display
from app.setup.environments import remove_built
from app.setup.places import PROJECT, STAMPS, STEP_LOGS
from app.setup.plan import built_steps, database_steps, is_running
from app.setup.steps import Stamps, run_steps


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3.11 -m app.setup", description="Set up Teller in this folder.")
    parser.add_argument("--dev", action="store_true", help="also what the tests need")
    parser.add_argument("--database", action="store_true", help="also the database and the knowledge base's index")
    parser.add_argument("--clean", action="store_true", help="remove what set-up made; the data in var stays")
    options = parser.parse_args()
    if options.clean:
        for path in remove_built():
            print(f"removed {path.relative_to(PROJECT)}")
        return 0
    return _set_up(options.dev, options.database)


def _set_up(dev: bool, database: bool) -> int:
    started = time.monotonic()
    stamps = Stamps(STAMPS)
    print("Setting up Teller" + (" for development" if dev else ""), flush=True)
    steps = built_steps(dev)
    if database and not is_running():
        # `teller up` does these too; here they run beside the making of the bot's environment.
        steps += database_steps()
    try:
        run_steps(steps, stamps, STEP_LOGS, Display())
    except StepFailed as failure:
        print(f"\n{failure.block()}\n\nThe next run goes on from here.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next run goes on from here.", file=sys.stderr)
        return 130
    print(f"Set up in {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
