"""The language part is built in a process of its own, as everywhere: kaldifst and vosk cannot share one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from asr.language.phones import PHONES

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("fstconvert"), reason="OpenFst's programs are not installed"),
]


def test_a_graph_is_built_from_texts(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("我要查余额\n信用卡还款\n我要转账三千元\n" * 2, encoding="utf-8")
    command = [sys.executable, "-m", "asr.language.build", str(tmp_path / "graph"), f"1={tmp_path / 'text.txt'}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert {path.name for path in (tmp_path / "graph").iterdir()} == {
        "Gr.fst", "HCLr.fst", "disambig_tid.int", "words.txt",
    }  # fmt: skip
    lines = (tmp_path / "graph" / "words.txt").read_text(encoding="utf-8").splitlines()
    numbers = dict(line.split() for line in lines)
    assert {"信用卡", "转账", "赊", "[unk]", "<eps>", "#0"} <= set(numbers)
    assert len(set(numbers.values())) == len(numbers)
    marks = (tmp_path / "graph" / "disambig_tid.int").read_text().split()
    assert marks[0] == str(2 * len(PHONES) + 1)
