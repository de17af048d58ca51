"""What the robot says by itself in a call; answers come from the turn."""

GREETING = "您好，这里是衡川银行智能客服小衡，请问您要办理什么业务？"
GREETING_AGAIN = "您好，我在听，请说。"
NO_SPEECH = (
    "请问您要办理什么业务？您可以直接说，比如，信用卡账单怎么查。",
    "我没有听到您的声音。请靠近话筒再说一遍，也可以说，转人工。",
    "还是没有听到您的声音。需要人工服务，请说转人工，或者按零。",
)
NO_SPEECH_END = "一直没有听到您的声音，这次通话先到这里。欢迎您再次来电，再见。"
NO_MATCH = (
    "不好意思，我没有听清，请您再说一遍。",
    "还是没有听清。请用短一点的话说，比如，银行卡丢了；也可以说，转人工。",
)
GO_ON = "要继续听吗？"
STOPPED = "好的。您还有什么想问的？"
FILLER = "请稍等，我查一下。"
LOUDER, LOUDEST = "好的，我大声一点。", "已经是最大的音量了。"
QUIETER = "好的，我小声一点。"
SLOWER, SLOWEST = "好的，我说慢一点。", "这已经是最慢的语速了。"
FASTER = "好的，我说快一点。"
TROUBLE = "不好意思，系统出了点问题，请您再说一遍，或者说，转人工。"
CLARIFY = "您是不是想问："
CLARIFY_PICK = "请说第几个，或者换个说法。"
ORDINALS = ("第一", "第二", "第三", "第四", "第五")
GOODBYE = "感谢您的来电，再见。"

# Made ahead: these must come at once.
ALL_PROMPTS = (
    GREETING, GREETING_AGAIN, *NO_SPEECH, NO_SPEECH_END, *NO_MATCH, GO_ON, STOPPED, FILLER, LOUDER, LOUDEST, QUIETER,
    SLOWER, SLOWEST, FASTER, TROUBLE, CLARIFY, CLARIFY_PICK, GOODBYE,
)  # fmt: skip
