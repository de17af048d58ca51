"""Where the pipeline keeps what it makes between its steps, and where its product goes."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# Gigabytes that can be made again; never committed.
WORK = Path(os.environ.get("TELLER_ASR_WORK", PROJECT / "var" / "asr-training"))
DOWNLOADS = WORK / "downloads"
VOICES = WORK / "voices"
TEXT = WORK / "text"
RECORDINGS = WORK / "recordings"
EXAMPLES = WORK / "examples"
TRAINING = WORK / "training"

MODEL_NAME = "teller-zh-8k"
MODELS = PROJECT / "asr" / "models"


def speech_data() -> Path | None:
    """The folder with real people's speech, if one is given."""
    folder = os.environ.get("TELLER_SPEECH_DATA")
    return Path(folder) if folder else None
