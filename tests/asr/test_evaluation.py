"""Measuring recognition: normalisation, counting, manifests, calibration, the report page."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.engine import Transcript
from asr.evaluation import Errors, Outcome, Recording, count_errors, figures, read_manifest
from asr.normalisation import normalised
from asr.report_page import report
from asr.second_opinion import disagreement
from core.problems import InvalidInput

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("一千二百块", "1,200元"), ("下午三点半", "下午3:30"), ("三张卡", "3 张卡"), ("尾号 八八四二", "尾号8842。"),
        ("３月５号", "三月五日"), ("百分之三点五", "3.5%"), ("嗯我想那个查余额", "我想查余额"), ("用ＡＰＰ", "用app"),
        ("两三百块", "两三百块！"), ("二零二六年", "2026年"), ("幺三八", "138"), ("你好，请问", "你好请问"),
        ("二十几块", "20几块"),
    ],
)  # fmt: skip
def test_two_ways_to_write_the_same(first: str, second: str) -> None:
    assert normalised(first) == normalised(second)


def test_fillers_count_when_the_setting_says_so() -> None:
    assert normalised("嗯好的", drop_fillers=False) == "嗯好的"


@given(st.text(max_size=30))
def test_normalising_twice_changes_nothing_that_counts(text: str) -> None:
    assert count_errors(text, text).edits == 0


def test_counts() -> None:
    assert count_errors("我要查余额", "我想查余额啦呀") == Errors(5, 1, 0, 2)
    assert count_errors("", "喂") == Errors(0, 0, 0, 1)
    assert count_errors("喂你好", "") == Errors(3, 0, 3, 0)
    assert count_errors("", "").rate is None


def test_disagreement() -> None:
    assert disagreement("查余额", "查余额。") == 0
    assert disagreement("查余额", "挂失") == 1
    assert disagreement("", "") == 0


def write_manifest(folder: Path, text: str, *files: str) -> Path:
    for name in files:
        (folder / name).touch()
    path = folder / "manifest.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_manifest_without_a_heading(tmp_path: Path) -> None:
    (row,) = read_manifest(write_manifest(tmp_path, "a.wav\t你好\n\n", "a.wav"))
    assert row == Recording(tmp_path / "a.wav", "你好", {})


def test_manifest_with_further_columns(tmp_path: Path) -> None:
    text = '﻿path\ttranscript\tvoice\tnoise\na.wav\t"你好\tf1\tcafe\n'
    (row,) = read_manifest(write_manifest(tmp_path, text, "a.wav"))
    assert row.transcript == '"你好'
    assert row.columns == {"voice": "f1", "noise": "cafe"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no recordings"), ("path\ttext\na.wav\t你好\n", "no column transcript"), ("a.wav\n", "no transcript"),
        ("b.wav\t你好\n", "recording 1 is not there: b.wav"),
    ],
)  # fmt: skip
def test_wrong_manifests(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_manifest(write_manifest(tmp_path, text, "a.wav"))


def outcome(said: str, heard: str, confidence: float, seconds: float = 2.0, **columns: str) -> Outcome:
    recording = Recording(Path(f"{said}.wav"), said, columns)
    transcript = Transcript(heard, heard, confidence, model="m@1")
    return Outcome(recording, transcript, count_errors(said, heard), seconds, 0.1)


OUTCOMES = [
    outcome("我要挂失", "我要挂失", 0.95, voice="f1"),
    outcome("查余额", "查鱼额", 0.55, 3.0, voice="m1"),
    outcome("转人工", "", 0.0, 20.0, voice="m1"),
]


def test_figures() -> None:
    found = figures(OUTCOMES)
    assert list(found)[:7] == [
        "n", "characters", "cer", "substitutions", "deletions", "insertions", "real_time_factor",
    ]  # fmt: skip
    assert (found["n"], found["characters"], found["cer"]) == (3, 10, 0.4)
    assert (found["substitutions"], found["deletions"], found["insertions"]) == (1, 3, 0)
    assert found["real_time_factor"] == pytest.approx(0.3 / 25, abs=1e-4)
    assert found["by"]["voice"]["m1"]["cer"] == round(4 / 6, 4)
    assert list(found["by"]["length"]) == ["02–04 s", "16 s and more"]
    assert [row["said"] for row in found["worst"]] == ["转人工", "查余额"]


def test_calibration() -> None:
    found = figures(OUTCOMES)["calibration"]
    assert [(row["from"], row["n"]) for row in found["bins"]] == [(0.0, 1), (0.5, 1), (0.9, 1)]
    assert found["error"] == pytest.approx((0.05 + abs(0.55 - 2 / 3) + 0) / 3, abs=1e-3)


def test_no_outcome_gives_no_figure() -> None:
    found = figures([])
    assert (found["n"], found["cer"], found["real_time_factor"]) == (0, None, None)


def test_report_page_is_well_formed_and_escapes() -> None:
    page = report(figures([*OUTCOMES, outcome("<b>&", "x", 0.3, voice="<i>")]))
    assert "<b>" not in page
    body = page[page.index("<body>") : page.index("</body>") + 7]
    ElementTree.fromstring(body)
    assert "src=" not in page
    assert "按声音" in page
