import pytest

from voice.commands import choice_in, control_in, is_back_channel, seems_unfinished

pytestmark = pytest.mark.unit

CONTROLS = {
    "repeat": ["再说一遍", "麻烦您再说一遍好吗？", "重复一下", "再讲一次", "刚才说的什么"],
    "slower": ["慢一点", "说慢点", "太快了", "你说得太快了", "慢慢说", "能不能说慢一点"],
    "faster": ["快一点", "说快点", "说得太慢了"],
    "louder": ["大声点", "声音大一点", "你能大声一点吗", "听不清", "我听不见", "声音太小了"],
    "quieter": ["小声一点", "声音小点", "声音太大了"],
}


@pytest.mark.parametrize(("control", "text"), [(name, text) for name, texts in CONTROLS.items() for text in texts])
def test_a_command_to_the_robot_is_known(control: str, text: str) -> None:
    assert control_in(text) == control


@pytest.mark.parametrize(
    "text",
    ["转账太慢了怎么办", "快速到账", "查余额", "我要大额存单", "再说一遍我的卡号丢了", "好的", "不用了", ""],
)
def test_a_question_is_none(text: str) -> None:
    assert control_in(text) is None


@pytest.mark.parametrize(
    ("text", "control"),
    [("好的", "continue"), ("继续", "continue"), ("要", "continue"), ("不用了", "stop"), ("停", "stop")],
)
def test_consent_and_refusal_count_where_they_were_asked_for(text: str, control: str) -> None:
    assert control_in(text, is_asked_to_go_on=True) == control


@pytest.mark.parametrize("text", ["嗯", "嗯嗯", "好", "好的。", "对", "是的", "哦，好的", "知道了"])
def test_back_channel(text: str) -> None:
    assert is_back_channel(text)


@pytest.mark.parametrize("text", ["好像不对", "不对", "停", "等一下", "是哪个银行", ""])
def test_not_back_channel(text: str) -> None:
    assert not is_back_channel(text)


@pytest.mark.parametrize(
    ("text", "number"), [("第一个", 1), ("选二", 2), ("第3个", 3), ("一", 1), ("我的第一张卡", None)]
)
def test_choice(text: str, number: int | None) -> None:
    assert choice_in(text) == number


def test_unfinished() -> None:
    assert seems_unfinished("我想查一下余额然后")
    assert not seems_unfinished("我想查一下余额")
