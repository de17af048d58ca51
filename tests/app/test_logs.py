"""One stream of readable lines out of many logs."""

from pathlib import Path

from app.processes.logs import EventMerger, LogFile, SupervisorEvents, last_lines

TRACEBACK = [
    "2026-01-05 08:00:00 [error] turn failed",
    "Traceback (most recent call last):",
    '  File "x.py", line 1, in <module>',
    "    f()",
    "KeyError: 'a'",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "y.py", line 2, in g',
    "ValueError: b",
    "next event",
]


def test_traceback_becomes_one_line_with_its_exception() -> None:
    merger = EventMerger("kb", Path("/log/kb.log"))
    assert list(merger.events(TRACEBACK)) == [
        "2026-01-05 08:00:00 [error] turn failed",
        "KeyError: 'a' (traceback in /log/kb.log)",
        "ValueError: b (traceback in /log/kb.log)",
        "next event",
    ]


def test_traceback_that_arrives_in_pieces_is_merged_too() -> None:
    merger = EventMerger("kb", Path("/log/kb.log"))
    assert [event for line in TRACEBACK for event in merger.events([line])] == list(
        EventMerger("kb", Path("/log/kb.log")).events(TRACEBACK)
    )


def test_reader_starts_at_the_end_and_gives_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "kb.log"
    path.write_text("old\n")
    log = LogFile.at_end(path)
    assert log.new_lines() == []
    with path.open("a") as file:
        file.write("new\nhal")
        file.flush()
        assert log.new_lines() == ["new"]
        file.write("f\n\x1b[31mred\x1b[0m\n")
        file.flush()
        assert log.new_lines() == ["half", "red"]


def test_reader_follows_over_rotation(tmp_path: Path) -> None:
    path = tmp_path / "kb.log"
    path.write_text("")
    log = LogFile.at_end(path)
    with path.open("a") as file:
        file.write("last of the old\n")
    path.rename(tmp_path / "kb.log.1")
    path.write_text("first of the new\n")
    assert log.new_lines() == ["last of the old", "first of the new"]


def test_reader_waits_for_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    log = LogFile.at_end(tmp_path / "kb.log")
    assert log.new_lines() == []
    (tmp_path / "kb.log").write_text("here\n")
    assert log.new_lines() == ["here"]


def test_exits_are_told_with_reason_and_pause() -> None:
    lines = [
        "2026-01-05 INFO spawned: 'kb' with pid 12",
        "2026-01-05 WARN exited: kb (exit status 1; not expected)",
        "2026-01-05 INFO spawned: 'kb' with pid 13",
        "2026-01-05 WARN exited: kb (terminated by SIGKILL; not expected)",
        "2026-01-05 INFO spawned: 'kb' with pid 14",
        "2026-01-05 INFO success: kb entered RUNNING state, process has stayed up for > than 20 seconds (startsecs)",
        "2026-01-05 WARN exited: kb (terminated by SIGSEGV (core dumped); not expected)",
    ]
    assert [str(event) for event in SupervisorEvents().events(lines)] == [
        "kb started (pid 12)",
        "kb exited (code 1); restarting in 1 s",
        "kb started (pid 13)",
        "kb exited (SIGKILL); restarting in 2 s",
        "kb started (pid 14)",
        "kb exited (SIGSEGV); restarting now",
    ]


def test_last_lines_leave_out_empty_ones(tmp_path: Path) -> None:
    path = tmp_path / "kb.log"
    path.write_text("".join(f"line {number}\n\n" for number in range(5000)))
    assert last_lines(path, 2) == ["line 4998", "line 4999"]
    assert last_lines(tmp_path / "none.log") == []
