"""The command line as automation sees it: JSON on standard output, errors on standard error, exit codes."""

import http.server
import json
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.errors import run
from app.setup.places import PROJECT
from core.settings import get_settings

TURN = {
    "session": "s1", "turn": "t1", "reply": ["**挂失**：请拨打电话"], "messages": [], "decision": "answer",
    "intent": "ask_faq",
    "confidence": 0.91, "article": "credit.lost", "candidates": [{"key": "credit.lost", "score": 0.91}], "owner": "BOT",
    "timings_ms": {"understand": 12.0},
}  # fmt: skip
MESSAGE = {"seq": 2, "sender": "agent", "name": "小王", "text": "您好", "candidates": []}


class FakeGateway:
    """Answers the HTTP side of the chat; `refuse` makes the next turns of a session fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.opened = 0
        self.refuse: tuple[int, dict[str, Any]] | None = None
        self.gone: set[str] = set()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server.server_port

    def answer(self, method: str, path: str, body: Any, token: str | None) -> tuple[int, Any]:
        self.calls.append((method, path, body))
        if path == "/api/v1/chat/sessions":
            self.opened += 1
            return 200, {
                "session": f"s{self.opened}",
                "token": f"token{self.opened}",
                "greeting": {"text": "您好", "topics": []},
            }
        session = path.split("/")[5]
        if token != "token" + session[1:]:
            return 401, {"code": "unauthenticated", "detail": "no token"}
        if session in self.gone:
            return 404, {"code": "not_found", "title": "没有找到"}
        if self.refuse:
            return self.refuse
        return 200, {"messages": [MESSAGE]} if method == "GET" else {**TURN, "session": session}

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._reply(*gateway.answer("POST", self.path, body, self.headers.get("X-Session-Token")))

            def do_GET(self) -> None:
                self._reply(*gateway.answer("GET", self.path, None, self.headers.get("X-Session-Token")))

            def _reply(self, status: int, content: Any) -> None:
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_arguments: Any) -> None:
                return

        return Handler


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data folder and nothing running."""
    monkeypatch.setenv("TELLER_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TELLER_PORT", "1")
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGateway]:
    fake = FakeGateway()
    monkeypatch.setenv("TELLER_PORT", str(fake.port))
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


def output_of(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_ask_prints_exactly_the_documented_fields(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "信用卡丢了", "--json"]) == 0
    assert list(output_of(capsys)) == [
        "session", "turn", "reply", "decision", "intent", "confidence", "article", "candidates", "owner", "timings_ms",
    ]  # fmt: skip
    assert gateway.calls[1][2]["text"] == "信用卡丢了"


def test_ask_goes_on_with_the_same_conversation(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    run(["ask", "一", "--json"])
    session = output_of(capsys)["session"]
    run(["ask", "二", "--session", session, "--json"])
    assert output_of(capsys)["session"] == session
    assert gateway.opened == 1


def test_unknown_session_name_begins_a_conversation_of_that_name(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        run(["ask", "一", "--session", "my test", "--json"])
        assert output_of(capsys)["session"] == "my test"
    assert gateway.opened == 1


def test_ended_conversation_is_begun_anew_under_its_name(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["ask", "一", "--session", "a", "--json"])
    capsys.readouterr()
    gateway.gone.add("s1")
    assert run(["ask", "二", "--session", "a", "--json"]) == 0
    assert output_of(capsys)["session"] == "a"
    assert gateway.opened == 2


def test_session_tokens_are_the_owners_alone(gateway: FakeGateway, installation: Path) -> None:
    run(["ask", "一", "--json"])
    assert stat.S_IMODE((installation / "var" / "cli" / "sessions.json").stat().st_mode) == 0o600


def test_channel_is_passed_on(gateway: FakeGateway) -> None:
    run(["ask", "一", "--channel", "app", "--json"])
    assert gateway.calls[0][2]["channel"] == "app"


def test_ask_for_people_shows_the_answer_and_what_it_came_from(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", "信用卡丢了"]) == 0
    shown = capsys.readouterr().out
    assert "挂失" in shown
    assert "credit.lost" in shown


def test_refusal_is_one_line_and_a_problem_object(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.refuse = (422, {"code": "invalid_input", "title": "输入内容不符合要求", "detail": "最多 500 字"})
    assert run(["ask", "x" * 600]) == 1
    assert capsys.readouterr().err == "teller: 最多 500 字\n"
    assert run(["ask", "x" * 600, "--json"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert json.loads(shown.err)["code"] == "invalid_input"


def test_ask_without_a_gateway_is_one_line_and_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "你好"]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("teller: Teller is not running")
    assert shown.err.count("\n") == 1


def test_chat_reads_turns_from_standard_input(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", iter(["一\n", "\n", "二\n"]))
    assert run(["chat", "--json"]) == 0
    assert [turn["decision"] for turn in output_of(capsys)] == ["answer", "answer"]


def test_chat_for_people_shows_new_messages(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = iter(["一", "/human", "/quit"])
    monkeypatch.setattr("app.cli.talk._typed_lines", lambda: lines)
    assert run(["chat"]) == 0
    assert "[小王]" in capsys.readouterr().out
    assert any(path.endswith("/handoff") for _, path, _ in gateway.calls)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["kb", "import", "no/such/file.jsonl"], 1),
        (["kb", "eval", "."], 1),
        (["kb", "search", "x", "-k", "0"], 2),
        (["conversations", "import", "none.jsonl"], 1),
        (["conversations", "export", "/no/such/folder/x.jsonl"], 1),
        (["nlu", "eval", "none.jsonl"], 1),
        (["no-such-command"], 2),
        (["ask"], 2),
        (["ask", "x", "--session", " "], 2),
    ],
)
def test_bad_use_is_one_clear_line(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("teller: ")
    assert shown.err.count("\n") == 1
    assert run([*arguments, "--json"]) == code
    assert set(json.loads(capsys.readouterr().err)) >= {"code", "detail"}


def test_what_a_room_prints_does_not_reach_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import kb.commands

    def search(_settings: object, text: str, k: int) -> dict[str, Any]:
        print("loading the model")
        return {"decision": "answer", "candidates": [{"key": text, "question": "q", "matched": "m", "score": 1.0}][:k]}

    monkeypatch.setattr(kb.commands, "search", search)
    assert run(["kb", "search", "credit.lost", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["candidates"][0]["key"] == "credit.lost"
    assert "loading the model" in shown.err


def test_expected_problem_of_a_room_is_told_with_its_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import kb.commands
    from core.problems import InvalidInput

    def fail(*_arguments: object) -> None:
        raise InvalidInput("a.jsonl:3: no key", line=3)

    monkeypatch.setattr(kb.commands, "rebuild", fail)
    assert run(["kb", "rebuild", "--json"]) == 1
    problem = json.loads(capsys.readouterr().err)
    assert (problem["code"], problem["detail"], problem["line"]) == ("invalid_input", "a.jsonl:3: no key", 3)


def test_unexpected_error_is_one_line_unless_debugging(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import kb.commands

    def fail(*_arguments: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(kb.commands, "status", fail)
    assert run(["kb", "status"]) == 1
    assert capsys.readouterr().err == "teller: RuntimeError: broken (TELLER_DEBUG=1 shows where)\n"
    monkeypatch.setenv("TELLER_DEBUG", "1")
    assert run(["kb", "status"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_wrong_setting_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLER_PORT", "many")
    assert run(["status"]) == 1
    assert "port" in capsys.readouterr().err


def test_status_and_down_when_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--json"]) == 3
    assert output_of(capsys)["running"] is False
    assert run(["down", "--json"]) == 0
    assert output_of(capsys) == {"stopped": False}


def test_every_command_has_json(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [["up"], ["down"], ["status"], ["doctor"], ["ask"], ["chat"]]
    commands += [["kb", name] for name in ("import", "export", "search", "eval", "rebuild", "status")]
    commands += [["nlu", name] for name in ("parse", "train", "eval")]
    commands += [["conversations", name] for name in ("import", "export")]
    commands += [["user", name] for name in ("add", "list", "reset-password")]
    for command in commands:
        assert run([*command, "--help"]) == 0
        assert "--json" in capsys.readouterr().out, command


def help_seconds() -> float:
    """Processor seconds of `teller --help`: on a busy machine the clock tells of the others."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "app.cli", "--help"], cwd=PROJECT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    heavy = ("torch", "sqlalchemy", "rich", "fastapi", "pydantic")
    code = (
        f"import sys; from app.cli.errors import run; run(['--help']); print([m for m in {heavy} if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert result.stdout.strip().endswith("[]")
    assert min(help_seconds() for _ in range(3)) < 0.5


def test_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m app.cli --help | head -c 1"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], check=False, cwd=PROJECT, capture_output=True, text=True
    )
    assert "Traceback" not in result.stderr


def test_command_runs_from_any_folder(tmp_path: Path, make_command: Callable[[Path], Path]) -> None:
    command = make_command(tmp_path / "an environment")
    result = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Usage: teller" in result.stdout


@pytest.fixture
def make_command() -> Callable[[Path], Path]:
    """Writes the command `teller` into an environment that borrows the packages of this one."""

    def make(folder: Path) -> Path:
        from app.setup.environments import write_command

        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        (packages,) = folder.glob("lib/python3.*/site-packages")
        (packages / "borrowed.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
        write_command(folder)
        return folder / "bin" / "teller"

    return make
