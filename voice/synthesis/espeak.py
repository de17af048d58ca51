"""espeak-ng (GPL-3 program, run apart): the last resort where Kokoro is not there. Understandable, hardly more."""

import io
import shutil
import subprocess
import wave

from voice.synthesis.pronunciation import latin, pieces, syllables, words

WORDS_A_MINUTE = 170
SECONDS = 20.0
PROGRAM = "espeak-ng"


def is_installed() -> bool:
    return shutil.which(PROGRAM) is not None


def in_pinyin(spoken: str) -> str:
    """Its Chinese voice reads characters as English; pinyin with tone numbers it reads rightly."""
    return " ".join(_of_piece(piece) for piece in pieces(spoken)).strip()


def _of_piece(piece: str) -> str:
    sounds = latin(piece)
    if sounds:
        return sounds[1]
    if "\u4e00" <= piece[0] <= "\u9fff":
        return " ".join(syllable for word in words(piece) for syllable in syllables(word))
    return piece.replace("，", ",").replace("。", ".").replace("？", "?").replace("！", "!").replace("、", ",").strip()


class Espeak:
    """Implements `synthesiser.Engine`."""

    @property
    def name(self) -> str:
        return "espeak-ng/cmn-latn-pinyin"

    def sound(self, sentence: str, speed: float) -> tuple[bytes, int]:
        command = [PROGRAM, "-v", "cmn-latn-pinyin", "-s", str(round(WORDS_A_MINUTE * speed)), "--stdout"]
        result = subprocess.run(
            command, input=in_pinyin(sentence).encode(), check=True, capture_output=True, timeout=SECONDS
        )
        with wave.open(io.BytesIO(result.stdout)) as sound:
            return sound.readframes(sound.getnframes()), sound.getframerate()
