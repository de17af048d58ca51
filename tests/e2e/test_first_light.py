"""A customer asks, rates, asks for a person; an agent answers. In a real browser, against the whole product."""

import json
import os
import signal
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from product import PHONE, People, Product, picture

pytestmark = pytest.mark.e2e


def say(page: Page, text: str) -> None:
    page.fill("#composer", text)
    page.press("#composer", "Enter")


def answers(page: Page) -> int:
    return page.locator("article.bot").count()


def test_the_greeting_offers_six_topics_and_a_person(people: People) -> None:
    page = people.customer(PHONE)
    expect(page.get_by_text("大家常问")).to_be_visible()
    expect(page.get_by_role("button", name="手机银行转账限额是多少")).to_be_visible()
    picture(page, "greeting-phone")


def test_a_question_is_answered_from_the_knowledge_base_and_rated(people: People) -> None:
    page = people.customer()
    say(page, "信用卡找不到了咋办呀")
    expect(page.get_by_text("依据：信用卡丢失如何挂失")).to_be_visible()
    page.get_by_role("button", name="解决了", exact=True).click()
    expect(page.get_by_text("感谢您的评价，很高兴帮到您。")).to_be_visible()
    picture(page, "answer")


def test_an_unclear_question_is_answered_with_a_list_to_pick_from(people: People) -> None:
    # Which question is unclear to the models changes when they learn; one of these is.
    for question in ("多久到账", "年费", "我奶奶的存折密码忘了，她腿脚不方便来不了，怎么办呀"):
        page = people.customer()
        say(page, question)
        page.locator(".candidates button, p.source, .buttons button").first.wait_for()
        if page.locator(".candidates button").count():
            break
    page.locator(".candidates button").first.click()
    expect(page.locator("p.source").last).to_be_visible()


def test_two_unsolved_answers_bring_the_customer_into_the_queue(people: People) -> None:
    page = people.customer()
    for question in ("存款保险最多赔多少", "定期可以提前取吗"):
        before = page.get_by_role("button", name="没解决").count()
        say(page, question)
        button = page.get_by_role("button", name="没解决").nth(before)
        button.click()
    expect(page.get_by_text("您排在第").first).to_be_visible()


def test_an_agent_takes_over_answers_sends_an_article_and_gives_back(people: People) -> None:
    customer, agent = people.customer(), people.agent(f"agent-{uuid.uuid4().hex[:8]}")
    marker = uuid.uuid4().hex[:8]
    say(customer, f"房贷想提前还一部分 {marker}")
    expect(customer.locator("p.source").first).to_be_visible()
    customer.get_by_role("button", name="转人工").first.click()
    expect(customer.get_by_text("正在为您接通人工客服").first).to_be_visible()
    picture(customer, "queued")

    agent.get_by_role("button", name=marker).click()
    expect(agent.locator("details.guess").first).to_be_visible()
    agent.get_by_role("button", name="接入").click()
    expect(customer.get_by_text("李晓雯 正在为您服务").first).to_be_visible()

    agent.fill("#reply", "您好，请问想提前还多少？")
    agent.press("#reply", "Enter")
    expect(customer.get_by_text("您好，请问想提前还多少？")).to_be_visible()
    said_by_bot = answers(customer)
    say(customer, "大概十万，转账限额是多少")
    expect(agent.get_by_role("region", name="对话").get_by_text("大概十万，转账限额是多少")).to_be_visible()

    agent.fill("#knowledge-query", "提前还贷违约金")
    agent.locator("[data-article='loan.mortgage_prepay_fee']").click()
    agent.locator("[data-action='send-article']").click()
    expect(customer.get_by_text("提前还房贷有违约金吗").last).to_be_visible()
    picture(customer, "with-agent")
    picture(agent, "desk")
    assert answers(customer) == said_by_bot, "the bot spoke while a person owned the conversation"

    agent.locator("[data-action='return']").click()
    agent.get_by_role("dialog").get_by_role("button", name="交还机器人").click()
    say(customer, "网点几点开门")
    expect(customer.get_by_text("依据：网点营业时间是几点到几点")).to_be_visible()


def test_what_a_customer_writes_is_shown_as_text_and_never_run(people: People) -> None:
    customer, agent = people.customer(), people.agent(f"agent-{uuid.uuid4().hex[:8]}")
    marker = uuid.uuid4().hex[:8]
    attack = f"{marker}<img src=x onerror='window.broken=1'><script>window.broken=1</script>[点](javascript:alert(1))"
    say(customer, attack)
    expect(customer.get_by_text(attack)).to_be_visible()
    customer.get_by_role("button", name="转人工").first.click()
    agent.get_by_role("button", name=marker).click()
    expect(agent.get_by_role("region", name="对话").get_by_text(attack)).to_be_visible()
    assert customer.evaluate("window.broken") is None
    assert agent.evaluate("window.broken") is None


def test_elder_mode_is_larger_and_puts_the_person_first(people: People) -> None:
    page = people.customer(PHONE)
    page.get_by_role("switch", name="长辈模式").click()
    expect(page.get_by_text("您也可以点这里问")).to_be_visible()
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('#composer')).fontSize)")
    assert size >= 20
    picture(page, "elder-phone")


def test_the_page_reconnects_with_its_whole_history_after_the_app_died(people: People, product: Product) -> None:
    page = people.customer()
    say(page, "存款保险最多赔多少")
    expect(page.locator("p.source").first).to_be_visible()
    os.kill(product.pid_of("app"), signal.SIGKILL)
    expect(page.get_by_text("连接断开了").first).to_be_visible()
    expect(page.get_by_role("status").get_by_text("在线", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_text("存款保险最多赔多少", exact=True)).to_have_count(1)
    say(page, "网点营业时间是几点到几点")
    expect(page.locator("p.source")).to_have_count(2)


def test_without_rasa_the_knowledge_base_answers_and_a_person_is_offered(people: People, product: Product) -> None:
    page = people.customer()
    os.kill(product.pid_of("rasa"), signal.SIGKILL)
    say(page, "如何办理存款证明")
    expect(page.get_by_text("依据：如何办理存款证明")).to_be_visible()
    expect(page.get_by_text("智能理解暂时不可用").first).to_be_visible()


def test_the_widget_opens_the_chat_inside_another_page(people: People, product: Product) -> None:
    page = people.customer()
    page.route("**/shop.html", lambda route: route.fulfill(
        content_type="text/html; charset=utf-8",
        body='<html lang="zh"><h1>首页</h1><script src="/widget.js" data-title="在线客服"></script></html>',
    ))  # fmt: skip
    page.goto(f"{product.url}/shop.html")
    page.get_by_role("button", name="在线客服").click()
    expect(page.frame_locator("iframe").get_by_text("大家常问")).to_be_visible()
    picture(page, "widget")


def test_the_command_line_holds_a_conversation_under_a_name(product: Product) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    first = product.teller("ask", "信用卡账单怎么查", "--session", name)
    assert (first["session"], first["decision"], first["owner"]) == (name, "answer", "BOT")
    assert first["article"] == "credit.bill_check"
    assert first["timings_ms"]["total"] > 0
    handed = product.teller("ask", "我要人工", "--session", name)
    assert (handed["decision"], handed["owner"]) == ("handoff", "QUEUED")
    assert product.teller("ask", "在吗", "--session", name)["decision"] == "silent"


def test_conversations_can_be_exported_and_a_second_import_adds_nothing(product: Product, tmp_path: Path) -> None:
    file = tmp_path / "conversations.jsonl"
    product.teller("ask", "存款保险最多赔多少")
    product.teller("conversations", "export", str(file))
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert any(turn["article_key"] == "deposit.insurance" for row in rows for turn in row["turns"])
    again = product.teller("conversations", "import", str(file))
    assert (again["added"], again["errors"]) == (0, [])
