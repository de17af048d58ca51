"""Spoken to written: examples by kind, and what must hold for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.language.numbers import say_cardinal, say_digits
from asr.written_form import written_form

pytestmark = pytest.mark.unit

EXAMPLES = """
尾号八八四二 尾号8842
尾号是幺二三四的卡 尾号是1234的卡
尾号为零零七六 尾号为0076
我那张尾号六六三三的借记卡 我那张尾号6633的借记卡
卡号后四位是九零二幺 卡号后四位是9021
后四位八八八八 后四位8888
验证码三六九二幺零 验证码369210
密码是六个一 密码是六个一
工号一零二四 工号1024
按一 按1
按九转人工 按9转人工
九五五八八 95588
拨打九五五八八 拨打95588
幺三八零零一三八零零零 13800138000
手机号一三九一二三四五六七八 手机号13912345678
零二幺六二五八八八八八 02162588888
幺幺零 110
一百块 100元
一千二百块 1200元
一千二百块钱 1200元
两百元 200元
三万五 35000
三万五千 35000
三万五千块 35000元
十五万 150000
一百万 1000000
三千万 30000000
两亿 2亿
一亿两千万 120000000
一千零五十万 10500000
一万零三百元 10300元
三点五万 35000
一点二亿 120000000
十元 10元
八百块 800元
二十块 20元
一百零五 105
一千零五 1005
一百二 120
两千五 2500
一块钱 1元
一块五 1.5元
两块五毛钱 2.5元
三块二毛五 3.25元
十块零五毛 10.5元
三块半 3.5元
五毛 0.5元
五毛钱 0.5元
三毛八 0.38元
五分钱 0.05元
一百二十三块四毛五分 123.45元
三千五百八十六块七毛二 3586.72元
两百五十块五毛 250.5元
五元三角 5.3元
五百美元 500美元
人民币两千元 人民币2000元
我要转五千块给他 我要转5000元给他
转五千块给尾号六六三三 转5000元给尾号6633
十块钱一个 10元一个
一百块三张 100元三张
1200块钱 1200元
百分之三 3%
百分之三点五 3.5%
百分之零点三五 0.35%
百分之百 100%
百分之三到五 3%到5%
年利率百分之一点七五 年利率1.75%
千分之五 5‰
万分之五 万分之五
零点五个百分点 0.5个百分点
三点一四 3.14
三点一零 3.10
零点八 0.8
二零二六年三月五号 2026年3月5日
二零二六年十二月三十一日 2026年12月31日
二零二六年 2026年
一九九八年 1998年
二六年三月 26年3月
三月五号 3月5日
十月一号 10月1日
十二月二十五日 12月25日
三月份 3月份
每月十五号 每月15号
二十号还款 20号还款
五号 5号
三五年 三五年
下午三点半 下午3点半
上午九点 上午9点
早上八点十分 早上8点10分
晚上十点零五分 晚上10点05分
三点十五分 3点15分
三点十分 3点10分
三点一刻 3点一刻
八点整 8点整
五点钟 5点钟
九点到五点半 9点到5点半
早上九点到下午五点 早上9点到下午5点
明天两点 明天2点
二十四小时 24小时
三十分钟 30分钟
十分钟 10分钟
十二个月 12个月
三十天 30天
三百六十五天 365天
第十二条 第12条
二十多块 20多块
二十几块 20几块
十几个 十几个
三个月 三个月
五年 五年
两张卡 两张卡
三笔 三笔
一下 一下
一般 一般
一样 一样
一直 一直
一点 一点
一起 一起
一块去 一块去
一次性 一次性
万一 万一
三方存管 三方存管
一卡通 一卡通
五险一金 五险一金
四大行 四大行
零存整取 零存整取
七天通知存款 七天通知存款
二维码 二维码
二手房 二手房
一类户 一类户
四舍五入 四舍五入
不管三七二十一 不管三七二十一
九牛一毛 九牛一毛
十全十美 十全十美
十分满意 十分满意
十足 十足
千万别 千万别
百分百 百分百
双十一 双十一
国庆十一期间 国庆十一期间
五一放假 五一放假
星期三 星期三
周五 周五
周一到周五 周一到周五
礼拜二 礼拜二
第一 第一
第三方 第三方
有一点五十 有一点50
注意两点 注意两点
两三百块 两三百块
二三十个 二三十个
七八千 七八千
三到五万 三到五万
几十块 几十块
几百 几百
数千元 数千元
百八十块 百八十块
上万 上万
我有三张卡 我有三张卡
你好 你好
转人工 转人工
""".splitlines()


@pytest.mark.parametrize(("spoken", "written"), [line.split() for line in EXAMPLES if line])
def test_example(spoken: str, written: str) -> None:
    assert written_form(spoken) == written


def test_there_are_many_examples() -> None:
    assert sum(bool(line) for line in EXAMPLES) >= 120


CHARACTERS = st.text(
    "零一二两三四五六七八九十百千万亿幺点块元毛角分钱年月号日半到百分之尾号第几个我转卡周一下", max_size=24
)


@given(CHARACTERS)
def test_nothing_breaks_and_writing_twice_changes_nothing(text: str) -> None:
    once = written_form(text)
    assert written_form(once) == once


@given(st.text(max_size=40))
def test_text_without_numerals_stays(text: str) -> None:
    plain = "".join(sign for sign in text if sign not in "〇零一二两三四五六七八九十百千万亿幺块元毛角分")
    assert written_form(plain) == plain


@given(st.integers(10, 10**8 - 1))
def test_cardinals_keep_their_value(number: int) -> None:
    assert written_form(f"{say_cardinal(number)}元") == f"{number}元"


@given(st.text("0123456789", min_size=3, max_size=19), st.sampled_from("一幺"))
def test_rows_of_digits_keep_every_digit(digits: str, one: str) -> None:
    assert written_form(f"尾号{say_digits(digits, one)}") == f"尾号{digits}"


@given(st.integers(2000, 2099), st.integers(1, 12), st.integers(1, 31))
def test_dates(year: int, month: int, day: int) -> None:
    spoken = f"{say_digits(str(year))}年{say_cardinal(month)}月{say_cardinal(day)}号"
    assert written_form(spoken) == f"{year}年{month}月{day}日"


@given(st.integers(2, 9999), st.integers(1, 9), st.integers(0, 9))
def test_yuan_jiao_fen(yuan: int, jiao: int, fen: int) -> None:
    spoken = f"{say_cardinal(yuan)}块{say_cardinal(jiao)}毛" + (f"{say_cardinal(fen)}分" if fen else "")
    assert written_form(spoken) == f"{yuan}.{jiao}{fen or ''}元"
