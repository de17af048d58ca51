"""What a customer sends, made safe to handle: a clear text within the limit, or a clear error."""

import re
import unicodedata

from core.problems import InvalidInput

# Said by themselves these are a request for a person, whatever the bot understands or whether it runs at all.
PERSON_WORDS = re.compile(
    r"(请|帮我|给我|我要|我想|麻烦)?(转接?|找|要|接)?(一下|个)?(人工|真人|活人)(客服|服务|坐席|座席)?(吧|谢谢|啊|呀|呢)?|(转|找)客服|0"
)
_SPACES = re.compile(r"[^\S\n]+")
_PUNCTUATION = re.compile(r"[^\w]+")
_WORDS = re.compile(r"\w")


class EmptyMessage(InvalidInput):
    code = "empty_message"
    title = "请输入您的问题"


class MessageTooLong(InvalidInput):
    code = "message_too_long"
    title = "内容太长了，请精简后再发送"


def clean(text: str, limit: int) -> str:
    """The text without control and invisible characters, spaces folded.

    Raises EmptyMessage when nothing is left and MessageTooLong beyond `limit` characters.
    """
    if len(text) > 20 * limit:  # do not spend time on normalising a flood
        raise MessageTooLong(f"at most {limit} characters", limit=limit)
    normal = unicodedata.normalize("NFC", text)
    visible = "".join(c for c in normal if c.isspace() or unicodedata.category(c)[0] != "C")
    cleaned = _SPACES.sub(" ", visible).strip()
    if not cleaned:
        raise EmptyMessage
    if len(cleaned) > limit:
        raise MessageTooLong(f"at most {limit} characters", limit=limit)
    return cleaned


def has_words(text: str) -> bool:
    """False for emoji or punctuation alone: there is nothing in it to understand."""
    return bool(_WORDS.search(text))


def asks_plainly_for_a_person(text: str) -> bool:
    return bool(PERSON_WORDS.fullmatch(_PUNCTUATION.sub("", text)))
