"""What another recogniser hears in the audio of a doubtful turn: a suggestion for whoever writes down what was said."""

from dataclasses import dataclass

from asr.engine import Transcriber
from asr.evaluation import count_errors


@dataclass(frozen=True)
class SecondOpinion:
    text: str
    confidence: float
    model: str
    disagreement: float  # 0: the same; characters to change against the longer of both texts


async def second_opinion(engine: Transcriber, pcm: bytes, rate: int, heard: str) -> SecondOpinion:
    """Let `engine` hear a stored turn again that was first taken for `heard`."""
    again = await engine.transcribe(pcm, rate)
    return SecondOpinion(again.text, again.confidence, again.model, disagreement(heard, again.text))


def disagreement(first: str, second: str) -> float:
    """How far two readings of the same speech are apart, 0 to 1."""
    there, back = count_errors(first, second), count_errors(second, first)
    longest = max(there.characters, back.characters)
    return min(1.0, there.edits / longest) if longest else 0.0
