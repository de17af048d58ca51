"""Kokoro-82M (Apache-2.0) as an int8 ONNX network, on one thread. Set-up fetches it (`voice/synthesis/download.py`)."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from misaki.zh import ZHG2P

from voice.synthesis.pronunciation import latin, pieces, syllables, words

RATE = 24000
STYLE_WIDTH = 256
LONGEST = 510  # symbols that the network takes at once
VERSION = "kokoro-82m-v1.0-int8"
PEAK = 0.95

_SPACES = re.compile(r" {2,}")
_BEFORE_PAUSE = re.compile(r" (?=[,.!?;:])")


def phonemes(spoken: str) -> str:
    """The symbols that Kokoro's Mandarin was trained with: IPA with arrows for tones, words parted by spaces."""
    text = " ".join(_of_piece(piece) for piece in pieces(spoken))
    return _BEFORE_PAUSE.sub("", _SPACES.sub(" ", text)).strip()


def _of_piece(piece: str) -> str:
    sounds = latin(piece)
    if sounds:
        return sounds[0]
    if "\u4e00" <= piece[0] <= "\u9fff":
        return " ".join("".join(_ipa(syllable) for syllable in syllables(word)) for word in words(piece))
    return str(ZHG2P.map_punctuation(piece)).strip()


def _ipa(syllable: str) -> str:
    return str(ZHG2P.py2ipa(syllable)).replace(chr(815), "")


class Kokoro:
    """Implements `synthesiser.Engine`. `folder` holds kokoro.onnx, symbols.json and voices/NAME.bin."""

    def __init__(self, folder: Path, voice: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(folder / "kokoro.onnx", options, ["CPUExecutionProvider"])
        # The arena gives back what a sentence took: kept, it grows to 650 MB, and without an arena malloc keeps it.
        self._run_options = onnxruntime.RunOptions()
        self._run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._symbols: dict[str, int] = json.loads((folder / "symbols.json").read_text(encoding="utf-8"))["vocab"]
        self._voice = np.fromfile(folder / "voices" / f"{voice}.bin", np.float32).reshape(-1, STYLE_WIDTH)
        self._name = f"{VERSION}/{voice}"

    @property
    def name(self) -> str:
        return self._name

    def sound(self, sentence: str, speed: float) -> tuple[bytes, int]:
        numbers = [self._symbols[symbol] for symbol in phonemes(sentence) if symbol in self._symbols][:LONGEST]
        if not numbers:
            return b"", RATE
        style = self._voice[min(len(numbers), len(self._voice)) - 1]
        inputs: dict[str, Any] = {
            "tokens": np.array([[0, *numbers, 0]], np.int64),
            "style": style.reshape(1, STYLE_WIDTH),
            "speed": np.array([speed], np.float32),
        }
        samples = np.asarray(self._session.run(None, inputs, self._run_options)[0], np.float32).ravel()
        return (np.clip(samples, -PEAK, PEAK) * 32767).astype("<i2").tobytes(), RATE
