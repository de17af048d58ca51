"""Speak the test sentences with the test voices, at 16 kHz."""

from collections.abc import Iterator

from asr.language.text import in_characters
from asr.training.kokoro import Kokoro
from asr.training.places import RECORDINGS, VOICES
from asr.training.recordings import Clip, Samples, is_complete, write_recordings
from asr.training.speakers import TEST_VOICES
from asr.training.synthesise import at_rate
from asr.training.texts import test_sentences

RATE = 16000
FOLDER = RECORDINGS / "test"


def speak_tests() -> None:
    if is_complete(FOLDER):
        return
    count = write_recordings(FOLDER, RATE, _speak(Kokoro(VOICES)))
    print(f"{count} test sentences spoken by {' and '.join(TEST_VOICES)}")


def _speak(kokoro: Kokoro) -> Iterator[tuple[Clip, Samples]]:
    """Every sentence once, the voices in turn."""
    for number, sentence in enumerate(test_sentences()):
        name = TEST_VOICES[number % len(TEST_VOICES)]
        samples = kokoro.speak(in_characters(sentence), kokoro.voice({name: 1.0}))
        yield Clip(sentence, name, "Kokoro"), at_rate(samples, RATE)


if __name__ == "__main__":
    speak_tests()
