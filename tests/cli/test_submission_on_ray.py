"""Submission to a real head: submit, follow, logs, stop, resubmit, resume; exit codes; tokens."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest
from submission_head import Head, ray_head

from widthwise.experiments import programs
from widthwise.store import tree_hash

Call = Callable[..., tuple[int, str, str]]

SIZES = ("--width", "8,32", "--trials", "64", "--set", "limit.samples=256", "--set", "limit.replicates=4")
PROGRAM = """
import sys
import time
from pathlib import Path

import second_file

def slow(space):
    x = space.vector()
    while x.shape[-1] == 8 and Path(sys.argv[0]).name == "default_worker.py" and Path({hold!r}).exists():
        time.sleep(0.1)
    return {{"one": space.avg(second_file.square(x))[:, 0]}}
"""


@pytest.fixture(scope="module")
def head() -> Generator[Head]:
    with ray_head() as head:
        yield head


@pytest.fixture
def hold(tmp_path: Path) -> Path:
    """While this file is there, workers do not finish what has width 8, which comes last."""
    hold = tmp_path / "hold"
    hold.touch()
    (tmp_path / "mine.py").write_text(PROGRAM.format(hold=str(hold)))
    (tmp_path / "second_file.py").write_text("def square(x):\n    return x * x\n")
    return hold


def until(condition: Callable[[], object]) -> None:
    for _ in range(1800):
        if condition():
            return
        time.sleep(0.1)
    message = "did not happen in three minutes"
    raise TimeoutError(message)


def lines(run: Path) -> int:
    """Blocks in the journal."""
    return sum(file.read_text().count('"kind"') for file in (run / "journal").glob("*"))


def test_submit_again_stop_resubmit_and_resume_to_the_same_bits(
    head: Head, tmp_path: Path, hold: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "a.run"
    program = ("--program", "mine:slow", *SIZES)
    submit = ("submit", *program, "--out", str(run))
    with head.commands(tmp_path) as on_head:
        code, out, _ = on_head(*submit, "--json")
        name = json.loads(out)["job"]
        assert code == 0
        assert json.loads(out) == {"job": name, "address": head.url, "out": str(run), "submitted": True}
        code, out, err = on_head(*submit, "--json")
        assert code == 0
        assert json.loads(out) == {"job": name, "address": head.url, "out": str(run), "submitted": False}
        assert f"{name} is computing this run already" in err
        code, _, err = on_head(*submit, "--workers", "1")
        assert code == 74
        assert f"`widthwise jobs stop {name}` first" in err

        until(lambda: lines(run) >= 8)
        [job] = json.loads(on_head("jobs", "list", "--json")[1])
        assert (job["job"], job["out"], job["status"]) == (name, str(run), "RUNNING")
        code, _, err = on_head("jobs", "stop", name)
        assert (code, err) == (0, f"{name} is stopped\n")
        assert json.loads(on_head("jobs", "status", name, "--json")[1])["status"] == "STOPPED"
        assert "submit the same again" in on_head("jobs", "logs", name, "--follow")[2]
        stored = lines(run)
        assert 8 <= stored < 20

        hold.unlink()
        code, out, _ = on_head(*submit, "--follow")
        second = f"{name[:-1]}2"
        assert code == 0
        assert out.splitlines()[0] == second
        assert "units, workers: " in out
        assert f" blocks computed, {stored} were there" in out
        assert on_head("jobs", "logs", second)[1] in out
        _, listed, _ = on_head("jobs", "list")
        assert ("STOPPED" in listed, "SUCCEEDED" in listed) == (True, True)
        code, _, err = on_head("jobs", "status", "x")
        assert code == 2
        assert "there is no such job" in err
    monkeypatch.setattr(sys, "path", list(sys.path))
    for module in ("mine", "second_file"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(sys.modules[programs.__module__], "_REGISTERED", {})
    assert call("run", *program, "--address", "inline", "--out", "b.run")[0] == 0
    assert tree_hash(run) == tree_hash(tmp_path / "b.run")


def test_a_wrong_token_is_exit_69(head: Head, tmp_path: Path) -> None:
    with head.commands(tmp_path, RAY_AUTH_TOKEN="0" * 64) as on_head:
        code, _, err = on_head("jobs", "list")
    assert code == 69
    assert "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN" in err
    assert "000000" not in err


@pytest.mark.slow
def test_a_missing_token_is_exit_69(head: Head, tmp_path: Path) -> None:
    for mode in ("disabled", "token"):
        environment = {"RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN": "", "HOME": str(tmp_path)}
        with head.commands(tmp_path, **environment) as on_head:
            code, _, err = on_head("jobs", "list")
        assert code == 69
        assert "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN" in err


@pytest.mark.slow
def test_data_is_shipped_and_a_failing_job_ends_as_it_ended(head: Head, tmp_path: Path, call: Call) -> None:
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).standard_normal((4, 3)))
    text = 'experiment = "ntk"\n[data]\nsource = "file"\npath = "rows.npy"\n[sweep]\nwidth = [8, 16]\ntrials = 8\n'
    (tmp_path / "a.toml").write_text(text)
    with head.commands(tmp_path) as on_head:
        assert on_head("submit", "a.toml", "--follow", "--out", str(tmp_path / "a.run"))[0] == 0
        code, _, err = on_head("submit", "a.toml", "--follow", "--out", "/proc/a.run")
    assert code == 74
    assert "ended with exit code 74" in err
    assert call("run", "a.toml", "--address", "inline", "--out", "b.run")[0] == 0
    assert tree_hash(tmp_path / "a.run") == tree_hash(tmp_path / "b.run")


@pytest.mark.slow
def test_other_versions_end_a_job_before_it_writes(head: Head, tmp_path: Path) -> None:
    """The submitting process believes in another numpy."""
    (tmp_path / "sitecustomize.py").write_text(
        "from importlib import metadata\nkeep = metadata.version\n"
        "metadata.version = lambda name: '1.0' if name == 'numpy' else keep(name)\n"
    )
    path = f"{tmp_path}:{head.environment['PYTHONPATH']}"
    with head.commands(tmp_path, PYTHONPATH=path) as on_head:
        submit = ("submit", "ntk", "--set", "data.source=gaussian", "--follow")
        code, out, _ = on_head(*submit, "--out", str(tmp_path / "a.run"))
    assert code == 3
    assert f"numpy {np.__version__} instead of 1.0; submit with --install" in out
    assert not (tmp_path / "a.run").exists()


@pytest.mark.slow
def test_ctrl_c_stops_following_not_the_job(head: Head, tmp_path: Path, hold: Path) -> None:
    # A process in the background of a shell ignores SIGINT, and so do its children.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import widthwise.__main__ as m"
    submit = [sys.executable, "-c", f"{program}; m.main()", "submit", "--program", "mine:slow", *SIZES, "--follow"]
    command = [*submit, "--out", str(tmp_path / "a.run"), "--address", head.url]
    with subprocess.Popen(
        command, cwd=tmp_path, env=head.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        name = follower.stdout.readline().strip()
        while "units, workers" not in follower.stdout.readline():
            pass
        follower.send_signal(signal.SIGINT)
        _, err = follower.communicate(timeout=30)
    assert follower.returncode == 75
    assert f"{name} goes on; follow it again by `widthwise jobs logs {name} --follow --address {head.url}`" in err
    hold.unlink()
    with head.commands(tmp_path) as on_head:
        code, out, _ = on_head("jobs", "logs", name, "--follow")
    assert code == 0
    assert " blocks computed, 0 were there" in out
