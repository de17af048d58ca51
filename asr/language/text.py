"""Written text to what is spoken: sentences of Chinese characters and spelled abbreviations."""

import re

from asr.language.numbers import say_numbers

# How a Latin letter sounds among Chinese words, in Chinese characters.
LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        [
            "诶",
            "必",
            "西",
            "弟",
            "衣",
            "艾弗",
            "记",
            "艾尺",
            "爱",
            "杰",
            "开",
            "艾欧",
            "艾姆",
            "恩",
            "欧",
            "批",
            "球",
            "阿",
            "艾丝",
            "替",
            "优",
            "威",
            "达不溜",
            "艾克斯",
            "歪",
            "贼",
        ],
        strict=True,
    )
)
_SENTENCE_END = re.compile(r"[。！？；!?;\n|]+")
_SILENT = re.compile(r"[^一-鿿㐀-䶿〇A-Z]+")
_LATIN = re.compile(r"[A-Z]+")
_MARKUP = re.compile(r"\[[^\]]*\]\((?:[^)]*)\)|[*#>`_\-]{2,}|（示例）|\{[^}]*\}")


def sentences(text: str) -> list[str]:
    """The spoken sentences of `text`: Chinese characters and capital letters alone, numbers as they are said."""
    found = []
    for part in _SENTENCE_END.split(_MARKUP.sub("", text)):
        spoken = spoken_form(part)
        if spoken:
            found.append(spoken)
    return found


def spoken_form(text: str) -> str:
    """`text` without what is not spoken, its numbers as they are said, its Latin letters as capitals."""
    return _SILENT.sub("", say_numbers(text).upper())


def in_characters(text: str) -> str:
    """A spoken form with its Latin letters as Chinese characters of their sound."""
    return _LATIN.sub(lambda match: "".join(LETTERS[letter] for letter in match[0]), text)
