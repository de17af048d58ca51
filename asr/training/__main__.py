"""The whole way from a clean checkout to the bundled model; each step is skipped where its result is there already.

python -m asr.training [--steps N] [--decay N] [--until STEP]
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from asr.training.places import PROJECT, TRAINING, WORK, speech_data
from asr.training.train import DECAY, STEPS

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Step:
    """A module to run in a process of its own, so that what it loads is gone when it ends."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()


def plan(steps: int, decay: int) -> list[Step]:
    """All steps in order."""
    return [
        Step("texts", "asr.training.texts"),
        Step("voices", "asr.training.kokoro"),
        Step("test-speech", "asr.training.test_speech"),
        Step("real-speech", "asr.training.prepare", ("real",)),
        Step("speak-generated", "asr.training.synthesise", ("generated",)),
        Step("speak-product", "asr.training.synthesise", ("product",)),
        Step("synthetic-speech", "asr.training.prepare", ("synthetic",)),
        Step("no-speech", "asr.training.prepare", ("no-speech",)),
        Step("train", "asr.training.train", ("--steps", str(steps), "--decay", str(decay))),
        Step("finish", "asr.training.finish", (str(TRAINING / f"final-{steps}.pt"),)),
    ]


def run(steps: list[Step], say: Callable[[str], None] = print) -> None:
    """Run the steps one after the other. Raises SystemExit at the first that fails; the next run goes on there."""
    for number, step in enumerate(steps, start=1):
        say(f"[{number}/{len(steps)}] {step.name}")
        began = time.monotonic()
        command = [sys.executable, "-m", step.module, *step.arguments]
        if subprocess.run(command, check=False, cwd=PROJECT, env={**os.environ, **ONE_THREAD}).returncode:
            raise SystemExit(f"{step.name} failed; the next run goes on here")
        say(f"[{number}/{len(steps)}] {step.name}: {time.monotonic() - began:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=STEPS, help=f"training steps in all ({STEPS})")
    parser.add_argument("--decay", type=int, default=DECAY, help=f"steps over which the rate falls ({DECAY})")
    parser.add_argument("--until", help="the last step to run")
    parser.add_argument("--only", help="the only step to run")
    options = parser.parse_args()
    steps = plan(options.steps, options.decay)
    names = [step.name for step in steps]
    if options.until:
        steps = steps[: names.index(options.until) + 1]
    if options.only:
        steps = [steps[names.index(options.only)]]
    WORK.mkdir(parents=True, exist_ok=True)
    if speech_data() is None:
        print("TELLER_SPEECH_DATA names no folder with real speech: training on synthetic speech alone")
    run(steps)


if __name__ == "__main__":
    main()
