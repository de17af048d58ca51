"""Bank sentences as they are to be said, and the readings of words with several."""

import pytest

from voice.synthesis.pronunciation import pinyin
from voice.synthesis.spoken_form import spoken_form

pytestmark = pytest.mark.unit

SAID = {
    # amounts
    "您的余额为¥1,234.50。": "您的余额为一千二百三十四元五角。",
    "单日限额35000元。": "单日限额三万五千元。",
    "ATM每日取款2万元。": "A T M 每日取款两万元。",
    "手续费0.5元": "手续费五角",
    "收费12.05元": "收费十二元零五分",
    "收费12.34元": "收费十二元三角四分",
    "共10,000.00元": "共一万元",
    "起购金额1元": "起购金额一元",
    "最低还款2元": "最低还款两元",
    "转账2000元": "转账两千元",
    "余额10500元": "余额一万零五百元",
    "存款100000000元": "存款一亿元",
    "贷款1.5万元": "贷款一点五万元",
    "折合USD 100": "折合一百美元",
    "汇款$3,000.00": "汇款三千美元",
    "人民币RMB500": "人民币五百元",
    "每笔10元/笔": "每笔十元每笔",
    "最高1000万": "最高一千万",
    "余额20005元": "余额两万零五元",
    "余额110元": "余额一百一十元",
    # shares
    "年利率3.5%": "年利率百分之三点五",
    "手续费1‰": "手续费千分之一",
    "日利率万分之五，即0.05%": "日利率万分之五，即百分之零点零五",
    "首付20%-30%": "首付百分之二十到百分之三十",
    "收益率2.1%~3.4%": "收益率百分之二点一到百分之三点四",
    "5年期LPR为3.6%": "五年期 L P R 为百分之三点六",
    "LPR+50BP": "L P R 加五十个基点",
    "涨幅-1.2%": "涨幅百分之负一点二",
    # dates and times
    "2026年3月5日到期": "二零二六年三月五日到期",
    "有效期至2026-03-05": "有效期至二零二六年三月五日",
    "日期2026/12/31": "日期二零二六年十二月三十一日",
    "2025年至2026年": "二零二五年至二零二六年",
    "12月25日": "十二月二十五日",
    "营业时间09:00-17:30": "营业时间九点到十七点三十分",
    "每天8:05开门": "每天八点零五分开门",
    "20:00以后": "二十点以后",
    "下午2点": "下午两点",
    "2:30": "两点三十分",
    "T+1日24:00前": "T 加一日二十四点前",
    "7×24小时": "七乘二十四小时",
    # ranges and counts
    "3-5个工作日": "三到五个工作日",
    "1至3天": "一到三天",
    "1~2小时": "一到两小时",
    "2个工作日": "两个工作日",
    "单笔5万-20万元": "单笔五万到二十万元",
    "您有3笔待还款": "您有三笔待还款",
    "分24期": "分二十四期",
    "第2步": "第二步",
    "年满18周岁": "年满十八周岁",
    "100+家网点": "一百以上家网点",
    "占1/3": "占三分之一",
    "12位": "十二位",
    # rows of digits
    "请拨打95588": "请拨打九五五八八",
    "客服热线95511": "客服热线九五五幺幺",
    "电话400-888-9999": "电话四零零，八八八，九九九九",
    "座机010-66668888": "座机零幺零，六六六六八八八八",
    "拨打110报警": "拨打幺幺零报警",
    "银保投诉12378": "银保投诉幺二三七八",
    "手机13800138000": "手机幺三八，零零幺三，八零零零",
    "尾号8842的储蓄卡": "尾号八八四二的储蓄卡",
    "尾号为0012": "尾号为零零幺二",
    "卡号6222****8842": "卡号六二二二，尾号八八四二",
    "身份证11010119900307881X": "身份证幺幺零幺零幺幺九九零零三零七八八幺 X",
    "验证码123456": "验证码幺二三四五六",
    "人工服务请按0": "人工服务请按零",
    "查询请按1": "查询请按一",
    # Latin
    "下载手机银行APP": "下载手机银行 A P P",
    "U盾和K宝": "U 盾和 K 宝",
    "办理ETC": "办理 E T C",
    "刷POS机": "刷 P O S 机",
    "VIP客户": "V I P 客户",
    "更换SIM卡": "更换 S I M 卡",
    "绑定QQ": "绑定 Q Q",
    "iPhone 15": "iPhone 十五",
    "连接Wi-Fi": "连接 WiFi",
    "安装Android版": "安装安卓版",
    "3G/4G网络": "三 G、四 G 网络",
    "500MB流量": "五百 M B 流量",
    "跨行转账走CIPS": "跨行转账走 C I P S",
    # links, Markdown, signs
    "**重要**：请勿泄露密码": "重要：请勿泄露密码",
    "详见[官网](https://www.example-bank.cn/a?b=1)。": "详见官网。",
    "访问https://www.example-bank.cn办理": "访问办理",
    "# 标题\n内容": "标题。内容",
    "1. 打开手机银行\n2. 点“转账”": "第一，打开手机银行。第二，点转账",
    "- 身份证\n- 银行卡": "身份证。银行卡",
    "首页>转账>限额": "首页，转账，限额",
    "微信/支付宝": "微信、支付宝",
    "金额≥5万元": "金额大于等于五万元",
    "不超过5万元（含）。": "不超过五万元，含。",
    "气温-3℃": "气温零下三摄氏度",
    "重5kg，长2m": "重五公斤，长二米",
    "好的😊请稍等…": "好的请稍等。",
    "发邮件至a.b@example-bank.cn": "发邮件至邮箱",
}

READ = {
    "银行": "yin2 hang2", "行走": "xing2 zou3", "跨行": "kua4 hang2", "发行": "fa1 xing2", "行长": "hang2 zhang3",
    "还款": "huan2 kuan3", "还有": "hai2 you3", "重新": "chong2 xin1", "重要": "zhong4 yao4", "长辈": "zhang3 bei4",
    "长期": "chang2 qi1", "调整": "tiao2 zheng3", "调查": "diao4 cha2", "账单": "zhang4 dan1",
    "单女士": "shan4 nv3 shi4",
    "朝阳": "chao2 yang2", "银行卡": "yin2 hang2 ka3", "卡住": "qia3 zhu4", "存折": "cun2 zhe2", "打折": "da3 zhe2",
    "更改": "geng1 gai3", "更多": "geng4 duo1", "提供": "ti2 gong1", "办事处": "ban4 shi4 chu4", "差额": "cha1 e2",
    "便宜": "pian2 yi5", "利率": "li4 lv4", "为您": "wei4 nin2", "积分": "ji1 fen1", "累计": "lei3 ji4",
    "转账": "zhuan3 zhang4", "当日": "dang4 ri4", "应还金额": "ying1 huan2 jin1 e2", "尾号": "wei3 hao4",
}  # fmt: skip


@pytest.mark.parametrize(("written", "said"), SAID.items())
def test_a_sentence_is_said(written: str, said: str) -> None:
    assert spoken_form(written) == said


def test_the_list_is_long_enough_to_mean_something() -> None:
    assert len(SAID) >= 80


@pytest.mark.parametrize(("word", "reading"), READ.items())
def test_a_word_is_read(word: str, reading: str) -> None:
    assert pinyin(word) == reading.split()


@pytest.mark.parametrize("word", list(READ))
def test_a_word_is_read_alike_within_a_sentence(word: str) -> None:
    found = " ".join(pinyin(f"请问{word}怎么办"))
    assert READ[word] in found


@pytest.mark.parametrize(
    "text", ["", "…", "😊", "https://a.cn", "|---|---|", "1" * 400, "**", "-", "￥", "第", "9999999999999999999元"]
)
def test_anything_has_a_spoken_form_without_digits(text: str) -> None:
    assert not any(character.isdigit() for character in spoken_form(text))


def test_shipped_answers_are_said_without_digits_or_signs() -> None:
    from core.settings import PROJECT
    from kb.article_file import read_folder

    for article in read_folder(PROJECT / "kb" / "articles"):
        said = spoken_form(article.spoken)
        assert said
        assert not set(said) & set("0123456789%*#_[]()<>/\\¥$")
