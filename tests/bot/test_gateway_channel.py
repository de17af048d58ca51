"""The channel and the dialogue on the real Rasa server."""

import json

import pytest
from conftest import Bot
from fake_knowledge import FAKE_TOKEN

pytestmark = pytest.mark.integration

# What any model of this bot must understand: short, plain, not in the training data's grey areas.
PLAIN_WORDS = {
    "ask_faq": "信用卡年费怎么减免",
    "query_balance": "查一下我的余额",
    "query_transactions": "查一下我最近的交易明细",
    "query_credit_bill": "我的信用卡这期账单要还多少",
    "report_loss": "我的银行卡丢了，马上帮我挂失",
    "report_fraud": "我刚刚被骗子骗走了五万块",
    "query_fx_rate": "今天美元汇率是多少",
    "query_deposit_rate": "三年定期存款现在利率多少",
    "calc_mortgage": "房贷100万30年每个月要还多少",
    "find_branch": "朝阳区附近哪里有你们的网点",
    "book_branch": "帮我预约明天上午去网点办业务",
    "file_complaint": "我要投诉你们",
    "query_ticket": "我的投诉处理到哪一步了",
    "praise": "我要表扬你们的柜员小李，服务特别好",
    "suggest": "我想给你们提个建议",
    "opt_out_marketing": "不要再给我打推销电话了",
    "ask_human": "转人工",
    "repeat": "再说一遍",
    "slower": "说慢一点",
    "back_to_menu": "返回主菜单",
    "cancel": "取消，不办了",
    "affirm": "是的",
    "deny": "不是",
    "elder_mode": "打开长辈模式",
    "change_language": "能说粤语吗",
    "greet": "你好",
    "goodbye": "再见",
    "thank": "谢谢你",
    "bot_challenge": "你是机器人吗",
    "chitchat": "给我讲个笑话吧",
    "abuse": "滚蛋",
    "out_of_scope": "帮我订一份外卖",
}
CONTROLS = {
    "repeat": "repeat",
    "slower": "slower",
    "back_to_menu": "menu",
    "cancel": "cancel",
    "elder_mode": "elder_mode",
    "change_language": "language",
}
TEXT_ONLY = ("greet", "goodbye", "thank", "bot_challenge", "chitchat", "affirm", "deny")


@pytest.mark.parametrize("intent", sorted(PLAIN_WORDS))
def test_every_intent_is_understood_and_answered(bot: Bot, intent: str) -> None:
    reply = bot.say(PLAIN_WORDS[intent])
    assert reply.status == 200
    assert reply.intent == intent
    assert reply.body["messages"]
    assert all(message["text"] or message["custom"] for message in reply.body["messages"])
    assert reply.body["ranking"][0]["name"] == intent
    assert len(reply.body["ranking"]) == 3
    assert reply.body["model_id"]


@pytest.mark.parametrize("intent", TEXT_ONLY)
def test_social_answers_are_plain_texts(bot: Bot, intent: str) -> None:
    reply = bot.say(PLAIN_WORDS[intent])
    assert [bool(message["text"]) for message in reply.body["messages"]] == [True]
    assert reply.customs == []


@pytest.mark.parametrize("intent", sorted(CONTROLS))
def test_control_intents_name_their_control(bot: Bot, intent: str) -> None:
    assert bot.say(PLAIN_WORDS[intent]).customs == [{"kind": "control", "control": CONTROLS[intent]}]


def test_a_question_gets_the_knowledge_base_reply_whole(bot: Bot) -> None:
    (custom,) = bot.say(PLAIN_WORDS["ask_faq"]).customs
    (request,) = bot.knowledge.requests
    assert request == {"text": PLAIN_WORDS["ask_faq"], "within": None, "channel": "web"}
    assert custom == {
        "kind": "knowledge",
        "decision": "answer",
        "intent": "ask_faq",
        "search": bot.knowledge.reply(request),
    }


@pytest.mark.parametrize(("decision", "shown"), [("answer", "answer"), ("clarify", "unrecognised")])
def test_out_of_scope_is_refused_unless_the_knowledge_base_is_sure(bot: Bot, decision: str, shown: str) -> None:
    bot.knowledge.decision = decision
    (custom,) = bot.say(PLAIN_WORDS["out_of_scope"]).customs
    assert (custom["kind"], custom["intent"], custom["decision"]) == ("knowledge", "out_of_scope", shown)


@pytest.mark.parametrize("text", ["⌘⌥ ξψ ѫѭ", "？！", "🪐🛸"])
def test_what_is_not_understood_goes_to_the_knowledge_base(bot: Bot, text: str) -> None:
    (custom,) = bot.say(text).customs
    assert (custom["kind"], custom["intent"]) == ("knowledge", "nlu_fallback")


def test_a_task_takes_a_sure_answer_of_the_whole_knowledge_base(bot: Bot) -> None:
    (custom,) = bot.say(PLAIN_WORDS["query_balance"]).customs
    assert [request["within"] for request in bot.knowledge.requests] == [None]
    assert (custom["kind"], custom["task"], custom["offer_person"]) == ("task", "query_balance", True)


def test_a_task_falls_back_on_its_own_articles(bot: Bot) -> None:
    bot.knowledge.decision = "clarify"
    (custom,) = bot.say("我的信用卡丢了，马上帮我挂失").customs
    assert [request["within"] for request in bot.knowledge.requests] == [None, ["credit.lost"]]
    assert custom["search"]["answer"]["key"] == "credit.lost"


def test_fraud_shows_the_emergency_article_and_calls_a_person_first(bot: Bot) -> None:
    article, handoff = bot.say(PLAIN_WORDS["report_fraud"]).customs
    assert article["search"]["answer"]["key"] == "security.scam_transfer"
    assert handoff == {"kind": "handoff", "reason": "fraud", "priority": 1}


def test_fraud_calls_a_person_even_without_the_knowledge_base(bot: Bot) -> None:
    bot.knowledge.status = 503
    failure, handoff = bot.say(PLAIN_WORDS["report_fraud"]).customs
    assert failure == {"kind": "failure", "stage": "kb"}
    assert handoff["reason"] == "fraud"


def test_asking_for_a_person_is_handed_on(bot: Bot) -> None:
    assert bot.say(PLAIN_WORDS["ask_human"]).customs == [{"kind": "handoff", "reason": "asked", "priority": 0}]


def test_insults_are_answered_calmly_and_a_person_is_offered(bot: Bot) -> None:
    reply = bot.say(PLAIN_WORDS["abuse"])
    assert reply.body["messages"][0]["text"]
    assert reply.customs == [{"kind": "task", "task": "abuse", "search": None, "offer_person": True}]


@pytest.mark.parametrize("intent", ["ask_faq", "query_balance"])
def test_a_knowledge_base_that_is_down_is_named(bot: Bot, intent: str) -> None:
    bot.knowledge.status = 503
    assert bot.say(PLAIN_WORDS[intent]).customs == [{"kind": "failure", "stage": "kb"}]


def test_entities_come_with_value_and_place(bot: Bot) -> None:
    entities = bot.say("查一下尾号8842的储蓄卡余额").body["entities"]
    assert {"entity": "card_tail", "value": "8842", "start": 5, "end": 9} in entities
    assert {"entity": "card_type", "value": "debit", "start": 10, "end": 13} in entities


def test_thirty_turns_change_nothing(bot: Bot) -> None:
    sequence = list(PLAIN_WORDS.items())[:30]
    outcomes = {}
    for intent, text in sequence:
        reply = bot.say(text, sender="a long conversation")
        outcomes[intent] = (reply.intent, [custom["kind"] for custom in reply.customs])
    alone = {intent: bot.say(text) for intent, text in sequence}
    assert outcomes == {
        intent: (reply.intent, [custom["kind"] for custom in reply.customs]) for intent, reply in alone.items()
    }


def test_a_leading_slash_is_no_command(bot: Bot) -> None:
    for command in ("/restart", "/report_fraud", '/ask_human{"card_tail": "1234"}', "  /greet", "//greet"):
        reply = bot.say(command)
        assert reply.status == 200
        assert len(reply.body["ranking"]) == 3, f"{command} was obeyed: nothing else was considered"


def test_a_conversation_survives_a_restart_command(bot: Bot) -> None:
    bot.say("你好", sender="restarter")
    bot.say("/restart", sender="restarter")
    assert bot.say("再见", sender="restarter").intent == "goodbye"


@pytest.mark.parametrize("token", [None, "", "wrong", "\xe9"])
def test_without_the_token_nothing_is_answered(bot: Bot, token: str | None) -> None:
    reply = bot.post({"sender": "a", "message": "你好"}, token=token)
    assert (reply.status, reply.body["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 15_000,
        {"sender": "a"},
        {"message": "你好"},
        {"sender": 1, "message": "你好"},
        {"sender": "", "message": "你好"},
        {"sender": "a\nb", "message": "你好"},
        {"sender": "a" * 201, "message": "你好"},
        {"sender": "a", "message": None},
        {"sender": "a", "message": ["你好"]},
        {"sender": "a", "message": ""},
        {"sender": "a", "message": " \x00\x01\x7f "},
        {"sender": "a", "message": "你好", "metadata": "web"},
        {"sender": "a", "message": "你好", "message_id": 5},
        {"sender": "a", "message": "字" * 501},
        {"sender": "a", "message": "字" * 20_000},
    ],
)
def test_what_is_not_a_message_is_refused_with_a_code(bot: Bot, body: object) -> None:
    reply = bot.post(body)
    assert reply.status == 400
    assert reply.body["status"] == 400
    assert reply.body["code"] in {"invalid_json", "invalid_message", "empty_message", "message_too_long"}


def test_500_characters_are_a_message(bot: Bot) -> None:
    assert bot.say("我想问一下信用卡年费" * 50).status == 200


@pytest.mark.parametrize("text", ["你\x00好", "你\x1b[31m好", "你\ud800好", "你好\u0085"])
def test_control_characters_are_removed(bot: Bot, text: str) -> None:
    reply = bot.say(text)
    assert reply.status == 200


@pytest.mark.parametrize("text", ["😀😀😀", "<script>alert(1)</script>", "[a](b)", "{}", "${HOME}", "?", "１２３"])
def test_odd_texts_get_a_calm_answer(bot: Bot, text: str) -> None:
    reply = bot.say(text)
    assert reply.status == 200
    assert reply.body["messages"]


def test_health_is_open_and_the_api_is_not(bot: Bot) -> None:
    assert bot.get("/webhooks/gateway/health").body == {"status": "ok"}
    assert bot.get("/status").status == 401
    assert bot.get("/webhooks/rest").status == 404


def test_status_names_the_same_model(bot: Bot) -> None:
    token = FAKE_TOKEN.replace(" ", "%20")
    assert bot.get(f"/status?token={token}").body["model_id"] == bot.say("你好").body["model_id"]


def test_the_reply_is_json_that_any_client_can_read(bot: Bot) -> None:
    reply = bot.say("你好")
    assert set(reply.body) == {"messages", "intent", "ranking", "entities", "model_id"}
    assert json.loads(json.dumps(reply.body)) == reply.body
