"""Messages as they are said: spoken answers instead of written ones, lists read out with their numbers."""

from conversations.schemas import ArticleRef, Message
from voice import wording

MOST_CHOICES = len(wording.ORDINALS)


def speakable(message: Message) -> str:
    if message.candidates:
        return _list(message.candidates[:MOST_CHOICES])
    return (message.spoken or message.text).strip()


def _list(candidates: list[ArticleRef]) -> str:
    items = [
        f"{ordinal}，{candidate.question.rstrip('？?。')}。"
        for ordinal, candidate in zip(wording.ORDINALS, candidates, strict=False)
    ]
    return wording.CLARIFY + "".join(items) + wording.CLARIFY_PICK
