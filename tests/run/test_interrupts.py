"""Signals: the first stops in order and says how to resume, the second at once, and handlers are given back."""

import signal
import subprocess
import sys
import threading

import pytest

from widthwise.errors import InterruptedRunError
from widthwise.run.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_raises_with_the_command_that_resumes(number: signal.Signals) -> None:
    message = rf"stopped by {number.name}.*resume with: widthwise run x\.toml"
    with pytest.raises(InterruptedRunError, match=message), Interrupts("widthwise run x.toml"):
        signal.raise_signal(number)


def test_a_deferred_signal_is_noted_and_does_not_raise() -> None:
    with Interrupts(None) as interrupts, interrupts.deferred():
        signal.raise_signal(signal.SIGTERM)
        assert isinstance(interrupts.error, InterruptedRunError)
        assert interrupts.error.exit_code == 75


def test_handlers_are_given_back_whatever_happens_inside() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(InterruptedRunError), Interrupts(None):
        signal.raise_signal(signal.SIGTERM)
    with Interrupts(None):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_install_takes_a_signal_back_from_a_library() -> None:
    with Interrupts(None) as interrupts:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        interrupts.install()
        with pytest.raises(InterruptedRunError):
            signal.raise_signal(signal.SIGTERM)


def test_other_threads_run_without_handlers() -> None:
    seen: list[object] = []

    def enter() -> None:
        with Interrupts(None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_a_second_signal_exits_at_once() -> None:
    script = """
import signal
from widthwise.run.interrupts import Interrupts
with Interrupts(None) as interrupts, interrupts.deferred():
    signal.raise_signal(signal.SIGINT)
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        print("clean-up")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (75, "", "")


@pytest.mark.parametrize(("resume", "code", "out"), [("'again'", 75, ""), ("None", 0, "went on\n")])
def test_a_command_does_not_wait_for_ever_for_what_must_not_be_cut_short(resume: str, code: int, out: str) -> None:
    script = f"""
import signal, time
from widthwise.run import interrupts
interrupts.PATIENCE_SECONDS = 0.1
with interrupts.Interrupts({resume}) as here, here.deferred():
    signal.raise_signal(signal.SIGTERM)
    time.sleep(2)
print("went on")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (code, out)
    message = "widthwise: stopped by SIGTERM; all finished blocks are stored; resume with: again\n"
    assert ended.stderr == (message if code else "")
