"""The figures of an evaluation as one page that needs nothing else: tables and bars drawn in SVG."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

WIDTH, BAR, GAP, LABEL = 640, 20, 6, 150

_STYLE = """
body{font:15px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;color:#1c2733}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;border-bottom:1px solid #dde3e9;text-align:left}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
svg{max-width:100%;height:auto}text{font-size:13px;fill:#1c2733}.track{fill:#edf1f5}.bar{fill:#2f6fb3}.line{stroke:#b3541e}
"""
_NAMES = {"voice": "声音", "noise": "噪声", "length": "时长", "speaker": "说话人"}


def write_report(figures: Mapping[str, Any], path: Path) -> None:
    path.write_text(report(figures), encoding="utf-8")


def report(figures: Mapping[str, Any]) -> str:
    """The page of what `asr.evaluation.figures` gives."""
    parts = [
        "<h1>语音识别评测</h1>",
        _facts(figures),
        *(_group(column, rows) for column, rows in figures["by"].items()),
        _calibration(figures["calibration"]),
        _worst(figures["worst"]),
    ]
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>语音识别评测</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _facts(figures: Mapping[str, Any]) -> str:
    edits = f"{figures['substitutions']} / {figures['deletions']} / {figures['insertions']}"
    rows = [
        ("模型", figures["model"]),
        ("录音", f"{figures['n']} 条，{figures['seconds']:g} 秒"),
        ("字错误率", _percent(figures["cer"])),
        ("替换 / 删除 / 插入", f"{edits}（共 {figures['characters']} 字）"),
        ("整句正确", f"{figures['sentences_right']} 条"),
        ("实时率", figures["real_time_factor"]),
    ]
    return _table(("", ""), rows)


def _group(column: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    name = _NAMES.get(column, column)
    bars = [(f"{value}（{row['n']}）", row["cer"] or 0.0, _percent(row["cer"])) for value, row in rows.items()]
    return f"<h2>字错误率：按{escape(name)}</h2>{_bars(bars)}"


def _calibration(calibration: Mapping[str, Any]) -> str:
    bars = [
        (f"{row['from']:.1f}–{row['to']:.1f}（{row['n']}）", row["characters_right"], _percent(row["characters_right"]))
        for row in calibration["bins"]
    ]
    marks = [row["confidence"] for row in calibration["bins"]]
    return (
        "<h2>置信度校准</h2><p>各置信度区间内识别正确的字所占比例，竖线为平均置信度；"
        f"校准误差 {calibration['error']}。</p>"
        f"{_bars(bars, 1.0, marks)}"
    )


def _worst(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [
        (row["said"], row["heard"], _percent(row["cer"]), row["confidence"], Path(row["path"]).name) for row in rows
    ]
    return f"<h2>错误最多的句子</h2>{_table(('原文', '识别结果', '字错误率', '置信度', '文件'), cells, (2, 3))}"


def _bars(bars: Sequence[tuple[str, float, str]], most: float | None = None, marks: Sequence[float] = ()) -> str:
    """Horizontal bars (label, value, shown value), with a mark across each where `marks` are given."""
    scale = (WIDTH - LABEL - 70) / (most or max([value for _, value, _ in bars], default=0) or 1)
    drawn = []
    for number, (label, value, shown) in enumerate(bars):
        top = number * (BAR + GAP)
        long = max(0.0, value) * scale
        drawn.append(
            f'<text x="{LABEL - 8}" y="{top + 15}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="track" x="{LABEL}" y="{top}" width="{WIDTH - LABEL - 70}" height="{BAR}"/>'
            f'<rect class="bar" x="{LABEL}" y="{top}" width="{long:.1f}" height="{BAR}"/>'
            f'<text x="{LABEL + long + 6:.1f}" y="{top + 15}">{escape(shown)}</text>'
        )
        if number < len(marks):
            across = LABEL + marks[number] * scale
            drawn.append(f'<line class="line" x1="{across:.1f}" x2="{across:.1f}" y1="{top}" y2="{top + BAR}"/>')
    height = max(1, len(bars)) * (BAR + GAP)
    return f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">{"".join(drawn)}</svg>'


def _table(heading: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[int] = ()) -> str:
    kinds = ['class="number"' if number in right else "" for number in range(len(heading))]
    head = "".join(f"<th {kind}>{escape(name)}</th>" for kind, name in zip(kinds, heading, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td {kind}>{escape(str(cell))}</td>' for kind, cell in zip(kinds, row, strict=True))}</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>" if any(heading) else f"<table>{body}</table>"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
