"""The step runner: what it skips, where it resumes, and what it says when a step fails."""

import io
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.setup.commands import StepFailed, StepOutput
from app.setup.display import Display
from app.setup.places import PROJECT
from app.setup.steps import Stamps, Step, fingerprint, run_steps


class Workshop:
    """Steps that note their name when they run."""

    def __init__(self, folder: Path) -> None:
        self.stamps = Stamps(folder / "stamps")
        self.logs = folder / "logs"
        self.ran: list[str] = []
        self.shown = io.StringIO()
        self.inputs = {"a": "1", "b": "1"}

    def step(self, name: str, *after: str, fails: bool = False, **more: object) -> Step:
        def work(output: StepOutput) -> None:
            self.ran.append(name)
            if fails:
                output.command(
                    [sys.executable, "-c", "print('first'); print('No space left on device'); raise SystemExit(3)"]
                )

        return Step(name, f"step {name}", work, lambda: fingerprint(self.inputs.get(name, "")), after, **more)  # type: ignore[arg-type]

    def run(self, *steps: Step) -> list[str]:
        self.ran = []
        run_steps(steps, self.stamps, self.logs, Display(self.shown))
        return self.ran


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_second_run_skips_everything(workshop: Workshop) -> None:
    steps = [workshop.step("a"), workshop.step("b", "a")]
    assert workshop.run(*steps) == ["a", "b"]
    assert workshop.run(*steps) == []
    assert "unchanged" in workshop.shown.getvalue()


def test_changed_input_runs_its_step_alone(workshop: Workshop) -> None:
    steps = [workshop.step("a"), workshop.step("b", "a")]
    workshop.run(*steps)
    workshop.inputs["b"] = "2"
    assert workshop.run(*steps) == ["b"]


def test_missing_result_runs_its_step_again(workshop: Workshop, tmp_path: Path) -> None:
    result = tmp_path / "result"
    result.touch()
    step = workshop.step("a", made=result.exists)
    workshop.run(step)
    assert workshop.run(step) == []
    result.unlink()
    with pytest.raises(StepFailed, match="is not there"):
        workshop.run(step)
    assert workshop.ran == ["a"]


def test_result_of_a_richer_run_is_accepted(workshop: Workshop) -> None:
    workshop.run(workshop.step("a"))
    workshop.inputs["a"] = "plain"
    assert workshop.run(workshop.step("a", accepts=lambda: (fingerprint("1"),))) == []


def test_step_without_fingerprint_runs_every_time(workshop: Workshop) -> None:
    step = Step("a", "a", lambda _: workshop.ran.append("a"))
    assert workshop.run(step) == ["a"]
    assert workshop.run(step) == ["a"]


def test_failed_step_names_its_cause_and_the_next_run_resumes_there(workshop: Workshop) -> None:
    with pytest.raises(StepFailed) as caught:
        workshop.run(workshop.step("a"), workshop.step("b", "a", fails=True), workshop.step("c", "b"))
    assert workshop.ran == ["a", "b"]
    block = caught.value.block()
    assert block.startswith("step b failed: `")
    assert "ended with code 3" in block
    assert "  | first" in block
    assert "what to do: free disk space" in block
    assert str(workshop.logs / "b.log") in block
    assert workshop.run(workshop.step("a"), workshop.step("b", "a"), workshop.step("c", "b")) == ["b", "c"]


def test_steps_already_running_are_let_finish_when_another_fails(workshop: Workshop) -> None:
    def slow(_output: StepOutput) -> None:
        time.sleep(0.5)
        workshop.ran.append("slow")

    slow_step = Step("slow", "slow", slow, lambda: "1")
    with pytest.raises(StepFailed):
        workshop.run(slow_step, workshop.step("b", fails=True))
    assert workshop.stamps.is_done(slow_step)


def test_independent_steps_run_at_once(workshop: Workshop) -> None:
    meeting = threading.Barrier(2, timeout=10)
    steps = [Step(name, name, lambda _: meeting.wait() and None) for name in "ab"]
    run_steps(steps, workshop.stamps, workshop.logs, Display(workshop.shown))


def test_command_that_cannot_run_is_a_readable_failure(workshop: Workshop) -> None:
    step = Step("a", "step a", lambda output: output.command(["/no/such/program"]) and None)
    with pytest.raises(StepFailed, match="cannot run /no/such/program"):
        workshop.run(step)


def test_kill_in_the_middle_is_known_to_the_next_run(workshop: Workshop) -> None:
    seen = []
    step = Step("a", "a", lambda output: seen.append(output.resumes_interrupted), lambda: "1")
    workshop.stamps.begin(step)
    assert not workshop.stamps.is_done(step)
    workshop.run(step)
    assert seen == [True]
    assert workshop.stamps.is_done(step)
    assert not workshop.stamps.is_interrupted(step)


INTERRUPTIBLE = """
import sys
from pathlib import Path
from app.setup.display import Display
from app.setup.steps import Stamps, Step, run_steps
folder = Path(sys.argv[1])
command = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
run_steps([Step("a", "a", lambda o: o.command(command) and None, lambda: "1")], Stamps(folder), folder, Display())
"""


def test_ctrl_c_ends_the_running_command_and_leaves_the_step_marked_as_cut_off(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, str(tmp_path)],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    log = tmp_path / "a.log"
    deadline = time.monotonic() + 20
    while not (
        log.exists() and log.read_text().strip().splitlines()[-1:] != [] and log.read_text().strip()[-1].isdigit()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker = int(log.read_text().splitlines()[-1])
    process.send_signal(signal.SIGINT)
    assert process.wait(20) != 0
    assert not Path(f"/proc/{worker}").exists()
    assert Stamps(tmp_path).is_interrupted(Step("a", "a", lambda _: None, lambda: "1"))


def test_fingerprint_sees_content_names_and_left_out_folders(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1")
    before = fingerprint(tmp_path)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "x").write_text("x")
    assert fingerprint(tmp_path, without=("cache",)) == before
    assert fingerprint(tmp_path) != before
    (tmp_path / "one").rename(tmp_path / "two")
    assert fingerprint(tmp_path, without=("cache",)) != before


def test_setup_runs_under_a_bare_interpreter() -> None:
    # -S: no site-packages at all, as on a machine where nothing is installed
    command = [sys.executable, "-S", "-c", "import app.setup.__main__, sys; print('pydantic' in sys.modules)"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
