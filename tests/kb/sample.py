"""A small knowledge base: six articles, calibration questions and negatives, in a few seconds' reach of everyone."""

from datetime import UTC, datetime
from typing import Any

from kb.questions import LabelledQuestion
from kb.schemas import ArticleIn, StoredArticle

WORDINGS = {
    "card.lost": ["银行卡丢了怎么办", "卡不见了要怎么挂失", "钱包被偷了卡在里面", "卡找不到了先冻住它"],
    "card.swallowed": ["取款机吞卡怎么办", "机器把卡吃进去了", "自动柜员机不退卡", "卡被吞了去哪里拿"],
    "loan.prepay": ["房贷可以提前还吗", "想把按揭早点还清", "一次还掉剩下的住房贷款", "提前还贷要交违约金吗"],
    "transfer.limit": ["转账限额是多少", "一天最多能转多少钱", "为什么转不出去说超限", "怎样提高每日汇款额度"],
    "account.open": ["如何开立银行账户", "想办个新户头", "开户要带什么证件", "第一次来存钱要办卡吗"],
    "fx.rate": ["今天美元汇率是多少", "换欧元什么价钱", "外币牌价在哪里看", "英镑现在兑多少人民币"],
}
CALIBRATION = [
    ("卡丢了怎么办啊", "card.lost"), ("银行卡不见了", "card.lost"), ("我的卡被偷了", "card.lost"),
    ("取款机把我的卡吞了", "card.swallowed"), ("柜员机不退卡怎么办", "card.swallowed"),
    ("提前还房贷行吗", "loan.prepay"), ("按揭想早点还", "loan.prepay"), ("住房贷款一次还清", "loan.prepay"),
    ("每天能转多少", "transfer.limit"), ("转账最多多少钱", "transfer.limit"), ("汇款额度怎么提高", "transfer.limit"),
    ("开户带什么", "account.open"), ("怎么开银行账户", "account.open"), ("想办新账户", "account.open"),
    ("美元什么价", "fx.rate"), ("欧元汇率多少", "fx.rate"), ("外币牌价", "fx.rate"), ("英镑兑人民币", "fx.rate"),
]  # fmt: skip
AMBIGUOUS = [("银行卡出问题了", "card.lost", "card.swallowed"), ("多少钱", "transfer.limit", "fx.rate")]
NEGATIVES = [
    "明天会下雨吗", "周末去爬山穿什么", "红烧肉怎么做才好吃", "给我讲个笑话", "附近哪里有加油站", "高铁票几点开售",
    "世界杯谁赢了", "猫不吃饭了是不是病了", "孩子数学不好请谁补课", "手机屏幕碎了多少钱修", "空调不制冷怎么回事",
    "推荐一部好看的电影", "头疼该挂哪个科", "身份证在哪个派出所补", "公积金网站登不上去", "快递三天没动静",
    "怎么学会游泳", "小区停水通知", "驾照扣了几分", "社保断缴有影响吗", "菜市场几点关门", "花盆里长虫子了",
    "电脑蓝屏怎么修", "婚礼主持人怎么找",
]  # fmt: skip


def article(key: str = "card.lost", **fields: Any) -> ArticleIn:
    """One of the sample, or a new one, with `fields` instead of its own."""
    question, *extended = WORDINGS.get(key, [f"关于{key}的问题", f"{key}怎么弄"])
    content: dict[str, Any] = {
        "key": key, "category": f"{key.split('.', maxsplit=1)[0]}/样例", "question": question, "extended": extended,
        "spoken": f"{question}，请到网点办理。", "text": f"**{question}**\n\n1. 带身份证\n2. 到网点", "tags": ["样例"],
    }  # fmt: skip
    return ArticleIn(**content | fields)


def articles() -> list[ArticleIn]:
    return [article(key) for key in WORDINGS]


def stored(given: ArticleIn, version: int = 1) -> StoredArticle:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    return StoredArticle(**given.model_dump(), version=version, updated_at=now, updated_by="test")


def calibration() -> list[LabelledQuestion]:
    return [LabelledQuestion(text, key) for text, key in CALIBRATION]


def ambiguous() -> list[LabelledQuestion]:
    return [LabelledQuestion(text, key, frozenset(also), ambiguous=True) for text, key, *also in AMBIGUOUS]


def negatives() -> list[LabelledQuestion]:
    return [LabelledQuestion(text) for text in NEGATIVES]
