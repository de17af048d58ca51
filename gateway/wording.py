"""What Teller itself says to customers. Bots' answers come from the knowledge base and from Rasa's domain."""

GREETING = "您好，我是衡川银行智能客服小衡。您可以直接说出要办的事，也可以点下面的常见问题。"
GREETING_ELDER = "您好，我是衡川银行客服小衡。您可以直接告诉我要办什么事，也可以点“转人工”，由工作人员为您服务。"
MENU = "好的，我们重新开始。请直接告诉我您要咨询的问题，也可以点下面的常见问题。"
# What else the customer can tell the robot itself; never silence.
CONTROL = {
    "slower": "好的，我会尽量说得简短清楚。您可以一次只问一件事，我们慢慢来。",
    "cancel": "好的，已为您取消。请问还有什么可以帮您？",
    "language": "抱歉，我目前只会说普通话。如需其他语言的服务，请转人工。",
}
CLARIFY = "您是不是想问："
PICKED = "（选择了列表中的问题）"
CLARIFY_NONE = "都不是，转人工"
UNRECOGNISED = "抱歉，我还没有明白您的意思。您可以换个说法，把要办的业务说具体一点，或者转人工由同事为您解答。"
NO_WORDS = "我收到了您的消息，但没看到文字内容。请用一句话告诉我您要办的事。"
OFFER_PERSON = "这项业务需要核实您的身份，您可以按上面的方法自助办理，也可以转人工由同事协助。"
OFFER_LISTENER = "需要的话，可以转人工，由同事听您说。"
RASA_DOWN = "智能理解暂时不可用，以上内容由知识库直接给出，供您参考；如有需要请转人工。"
ALL_DOWN = "抱歉，系统暂时无法回答您的问题，我们正在恢复。您可以转人工，由同事为您服务。"
KB_DOWN = "抱歉，知识查询暂时不可用。您可以稍后再试，或者转人工由同事为您服务。"
NOTHING_TO_REPEAT = "刚才还没有可以重复的内容，请告诉我您要咨询的问题。"
CANCELLED = "好的，已为您取消。还需要办什么，请直接告诉我。"
SLOWER = "好的，我说慢一点、说简单一点。您也可以打开页面上方的“长辈模式”，字会更大。"
LANGUAGE = "目前我能看懂普通话和常见的方言说法，用文字为您服务；需要其他语言，可以为您转人工。"
# Asked for on the telephone, where they have an effect; kept in the conversation as what was said.
SPOKEN_CONTROL = {
    "slower": "好的，我说慢一点。", "faster": "好的，我说快一点。", "louder": "好的，我大声一点。",
    "quieter": "好的，我小声一点。", "continue": "好的，请继续听。", "stop": "好的。您还有什么想问的？",
}  # fmt: skip
ELDER_ON = "已为您切换到长辈模式：字更大、选项更少。需要帮忙时，随时点“转人工”。"

TO_HUMAN = "转人工"
HANDOFF = {
    "asked": "好的，正在为您转接人工客服。",
    "fraud": "您反映的情况比较紧急，我马上为您优先转接人工客服。请不要再转账，也不要把验证码告诉任何人。",
    "complaint": "非常抱歉给您带来不好的体验，正在为您转接人工客服。",
    "abuse": "很抱歉没能让您满意，正在为您转接人工客服。",
    "unresolved": "很抱歉还没有解决您的问题，正在为您转接人工客服。",
    "unrecognised": "很抱歉没能理解您的问题，正在为您转接人工客服。",
    "operator": "正在为您转接人工客服。",
    "failure": "系统暂时无法自动回答，正在为您转接人工客服。",
}
POSITION = "您排在第 {position} 位，请稍候。"
NOBODY_READY = "目前人工客服都在忙，您的排队位置会为您保留；也可以先回到机器人继续咨询。"
LEFT_QUEUE = "已取消排队，您可以继续向我提问。"
CLOSED = {
    "idle": "由于您较长时间没有操作，本次会话已结束。感谢您的咨询，再见！",
    "customer": "会话已结束，感谢您的咨询，再见！",
}
