"""Short things that callers say to the robot itself, known by their words alone."""

import re
from typing import Literal

Control = Literal["repeat", "slower", "faster", "louder", "quieter", "continue", "stop"]

_PLEASE = r"(?:请|麻烦|麻烦你|麻烦您|你|您|能不能|可不可以|可以|能|帮我|那|嗯|哎|喂|给我|我)*"
_END = r"(?:好吗|好不好|行吗|可以吗|吗|吧|啊|呀|呢|嘛|谢谢)*"
_A_BIT = r"(?:一?点儿?|一?些)?"
_PATTERNS: dict[Control, str] = {
    "repeat": r"(?:再|重新?)(?:说|讲|念|播|放|重复|复述)(?:一遍|一次|一下|下)?|重复(?:一遍|一下|一次)?"
    r"|刚才说(?:的)?(?:什么|啥)|(?:什么|啥)",
    "slower": r"(?:说|讲|念)?(?:得|的)?(?:再|太)?(?:慢|快)(?:了|一?点儿?|一?些|慢)(?:说|讲|点|儿)?"
    r"|(?:慢慢|放慢)(?:说|讲|语速)?",
    "faster": r"(?:说|讲)?(?:得)?(?:再)?快(?:一?点儿?|一?些)(?:说|讲)?|(?:说|讲)(?:得|的)?太慢了?",
    "louder": rf"(?:说|讲)?(?:再)?(?:大声|声音大|大点声?|大声音|音量大|响){_A_BIT}(?:说|讲)?(?:声)?"
    r"|声音?(?:太|有点)小了?"
    r"|(?:听不见|听不到|听不清|没听见|没听清)(?:楚)?(?:你?(?:说|讲)(?:的)?(?:什么|啥)?)?",
    "quieter": rf"(?:说|讲)?(?:再)?(?:小声|声音小|小点声?|音量小){_A_BIT}(?:说|讲)?|声音?(?:太|有点)大了?",
    "continue": r"(?:请)?(?:继续|接着)(?:听|说|讲|念)?(?:下去)?|要(?:听|的)?"
    r"|(?:好|行|可以|是|对|嗯|想听|听)(?:的|啊|呀)?",
    "stop": r"(?:不用|不要|不必|不听|不想听|别说|别念|停|够|行)(?:再?(?:听|说|讲|念))?(?:了)?"
    r"|停(?:下|止)?|不(?:用|要)?继续",
}
# 快一点 asks for faster speech, but 太快了 for slower.
_NOT_SLOWER = re.compile(r"快(?:一?点|一?些)")
_COMPILED = {name: re.compile(f"{_PLEASE}(?:{pattern}){_END}") for name, pattern in _PATTERNS.items()}
_ALWAYS: tuple[Control, ...] = ("repeat", "faster", "slower", "louder", "quieter")
_WHEN_ASKED: tuple[Control, ...] = ("continue", "stop")
_PUNCTUATION = re.compile(r"[^\w]+")

BACK_CHANNEL = re.compile(
    r"(?:嗯+|恩+|哦+|噢+|喔+|啊+|呃+|额+|哎+|诶+|唉+|好+的?|对+的?|是+的?|行|可以|明白了?|知道了?|了解|没错"
    r"|这样啊?|哈+)+"
)
# A sentence that stops here is likely to go on.
_UNFINISHED = re.compile(
    r"(?:然后|还有|就是|那个|这个|因为|所以|但是|如果|或者|我想|我要|请问|呃+|嗯+|的话|以及|和|跟|在|把)$"
)
_CHOICE = re.compile(rf"{_PLEASE}(?:选|要|问)?(?:第)?([一二两三四五1-5])(?:个|条|项|种)?(?:问题)?{_END}")
_CHOICES = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5}


def control_in(text: str, is_asked_to_go_on: bool = False) -> Control | None:
    """The command that the whole utterance is; consent and refusal only where the robot has just asked for it."""
    words = _PUNCTUATION.sub("", text)
    for name in _ALWAYS + (_WHEN_ASKED if is_asked_to_go_on else ()):
        if _COMPILED[name].fullmatch(words) and not _is_other_way(name, words):
            return name
    return None


def _is_other_way(name: Control, words: str) -> bool:
    return name == "slower" and (bool(_NOT_SLOWER.search(words)) or "太慢" in words)


def is_back_channel(text: str) -> bool:
    """嗯, 好的, 对: the caller listens and does not want the floor."""
    return bool(BACK_CHANNEL.fullmatch(_PUNCTUATION.sub("", text)))


def seems_unfinished(text: str) -> bool:
    return bool(_UNFINISHED.search(_PUNCTUATION.sub("", text)))


def choice_in(text: str) -> int | None:
    """Which of a list that was read out, from 1."""
    match = _CHOICE.fullmatch(_PUNCTUATION.sub("", text))
    if match is None:
        return None
    return _CHOICES.get(match[1]) or int(match[1])
