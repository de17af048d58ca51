"""Train the Rasa model: `python -m bot.train --output DIR --embedding FOLDER [--force]`, in the repository root.

The model is named after a hash of everything it is made of: a second run with the same inputs trains nothing.
Prints one JSON object: {"model": path, "name", "trained": bool, "seconds"}.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from bot.quiet import claim_stdout, quieten_logs, set_environment
from bot.without_tensorflow import stand_in

BOT = Path(__file__).resolve().parent
PROJECT = BOT.parent
CONFIG = PROJECT / "config.yml"
DOMAIN = BOT / "domain"
COMPONENTS = BOT / "components"
TRAINING_DATA = [PROJECT / "nlu_data" / part for part in ("train", "lookups", "rules")]
DICTIONARY = PROJECT / "nlu_data" / "dictionary"
LOCK = BOT / "requirements.lock"
DEFAULT_PREFIX = "query: "


class TrainingFailed(Exception):
    """Rasa gave no model; its messages are on stderr."""


def input_files() -> list[Path]:
    """Every file of the repository that the model is made of, in a fixed order."""
    folders = [DOMAIN, COMPONENTS, *TRAINING_DATA, DICTIONARY]
    found = [file for folder in folders for file in sorted(folder.rglob("*")) if _is_input(file)]
    return [CONFIG, LOCK, *found]


def model_name(embedding: Path, prefix: str, files: Iterable[Path]) -> str:
    """`bot-` and 12 hexadecimal digits of a hash over `files` (names and contents) and the embedding model."""
    from bot.components.sentence_encoder import embedding_fingerprint

    digest = hashlib.sha256(embedding_fingerprint(embedding, prefix).encode())
    for file in files:
        digest.update(str(file.relative_to(PROJECT)).encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return f"bot-{digest.hexdigest()[:12]}"


def train(output: Path, name: str) -> Path:
    """Train into `output`/`name`.tar.gz and return that path. Raises TrainingFailed."""
    output.mkdir(parents=True, exist_ok=True)
    # Rasa would keep a cache in the working directory; it does not know when the code of a component changed.
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory(dir=output) as fresh:
        os.environ["RASA_CACHE_DIRECTORY"] = cache
        os.chdir(PROJECT)
        import rasa

        quieten_logs()
        result = rasa.train(
            domain=str(DOMAIN),
            config=str(CONFIG),
            training_files=[str(folder) for folder in TRAINING_DATA],
            output=fresh,
            fixed_model_name=name,
            force_training=True,
        )
        if result.code != 0 or not result.model:
            raise TrainingFailed(f"rasa train ended with code {result.code}")
        finished = output / f"{name}.tar.gz"
        # In one step: a server that looks now sees the whole model or none.
        os.replace(result.model, finished)
    return finished


def _is_input(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.train", description="Train the Rasa model.")
    parser.add_argument("--output", type=Path, required=True, help="folder for the model, e.g. var/models/bot")
    parser.add_argument("--embedding", type=Path, required=True, help="folder of the embedding model")
    parser.add_argument("--prefix", default=os.environ.get("TELLER_EMBEDDING_PREFIX", DEFAULT_PREFIX))
    parser.add_argument("--force", action="store_true", help="train even if the model is there")
    options = parser.parse_args(arguments)
    output, embedding = options.output.resolve(), options.embedding.resolve()
    result = claim_stdout()
    set_environment()
    stand_in()
    os.environ["TELLER_EMBEDDING_MODEL"] = str(embedding)
    os.environ["TELLER_EMBEDDING_PREFIX"] = options.prefix

    started = time.monotonic()
    try:
        name = model_name(embedding, options.prefix, input_files())
        model = output / f"{name}.tar.gz"
        trained = options.force or not model.is_file()
        if trained:
            model = train(output, name)
    except (OSError, TrainingFailed) as failure:
        print(f"training failed: {failure}", file=sys.stderr)
        return 1
    seconds = round(time.monotonic() - started, 1)
    json.dump({"model": str(model), "name": name, "trained": trained, "seconds": seconds}, result)
    result.write("\n")
    result.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
