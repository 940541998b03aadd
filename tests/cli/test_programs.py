"""Programs of users: from a function of a Space to curves, and everything that is refused on the way."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import widthwise
from widthwise.experiments import programs
from widthwise.store import open_run, tree_hash

Call = Callable[..., tuple[int, str, str]]

MODULE = """
import torch

def moments(space):
    z, W = space.vector(), space.matrix()
    y = torch.tanh(W(z))
    both = space.gram(torch.cat([z, y], 1))
    return {"second": space.avg(y * y)[:, 0], "back": space.avg(z * W.T(y))[:, 0], "all": both}

def mixing(space):
    z = space.vector()
    return {"sum": space.avg(z.cumsum(-1) * z**2)}

def wrong(space):
    return {"count": 3}

def nothing(space):
    return {}

def slashed(space):
    return {"a/b": space.avg(space.vector())}

def reserved(space):
    return {"width": space.avg(space.vector())}

def raising(space):
    return {"x": space.nothing}
"""

REGISTERING = """
import torch
import widthwise
from widthwise.training import last_update, loss, optimizer, options_named

widthwise.register_optimizer("bounded", lambda gradients: torch.tanh(gradients[-1]))
widthwise.register_loss("quartic", lambda f, y: ((f - y) ** 4).sum(-1))

def learning(space):
    gradient = space.avg(space.vector() ** 2)
    update = last_update(optimizer(options_named("bounded")(name="bounded")), [gradient])
    return {"update": update[:, 0], "loss": loss("quartic")(update[:, :, None], update[:, :, None] - 1)[:, 0]}
"""
OPTIONS = ("--width", "8,32,128", "--trials", "16", "--set", "limit.samples=1024", "--set", "limit.replicates=4")


@pytest.fixture(autouse=True)
def _mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module of programs in the directory of the command, and nothing registered."""
    (tmp_path / "mine.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    for place in ("experiments.programs", "training.named_losses", "training.named_optimizers"):
        monkeypatch.setattr(importlib.import_module(f"widthwise.{place}"), "_REGISTERED", {})


def test_a_program_gets_a_sweep_a_limit_curves_and_a_figure(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("run", "--program", "mine:moments", *OPTIONS, "--address", "inline")
    assert code == 0
    assert "second: relative distance from the limit" in out
    results = widthwise.open(tmp_path / "moments.run")
    assert dict(results["trials"]["all"].sizes) == {"width": 3, "trial": 16, "all_0": 2, "all_1": 2}
    assert "exact" not in results
    # avg(z W^T tanh(W z)) -> E[h tanh(h)], by quadrature; 6 standard errors of 4 replicates (t with 3: 1 %).
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    expected = (weights * nodes * np.tanh(nodes)).sum() / weights.sum()
    back = results["limit"]["back"]
    assert abs(back.mean() - expected) < 6 * back.std(ddof=1) / 2
    assert back.std() < 0.01
    assert (tmp_path / "moments.run" / "figures" / "convergence.png").stat().st_size > 10_000
    assert open_run(tmp_path / "moments.run").record.spec["experiment"] == "mine:moments"


def test_workers_on_ray_know_the_program(call: Call, tmp_path: Path) -> None:
    hashes = set()
    for address in ("inline", "local"):
        assert call("run", "--program", "mine:moments", *OPTIONS, "--address", address, "--out", address)[0] == 0
        hashes.add(tree_hash(tmp_path / address))
    assert len(hashes) == 1


def test_a_run_of_a_program_is_shown_reduced_and_checked_without_it(call: Call, tmp_path: Path) -> None:
    call("run", "--program", "mine:moments", *OPTIONS, "--address", "inline")
    for verb in ("show", "reduce", "check"):
        command = [sys.executable, "-m", "widthwise", verb, str(tmp_path / "moments.run")]
        subprocess.run(command, check=True, capture_output=True)
    readouts = [entry["readout"] for entry in json.loads(call("show", "moments.run", "--json")[1])["results"]]
    assert readouts == ["second", "back", "all"]


def test_other_code_is_another_run(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("run", "--program", "mine:moments", *OPTIONS, "--address", "inline")
    again = call("run", "--program", "mine:moments", *OPTIONS, "--address", "inline")
    assert "0 blocks computed" in again[2] + again[1]
    (tmp_path / "mine.py").write_text(MODULE.replace("torch.tanh(W(z))", "torch.sin(2 * W(z))"))
    monkeypatch.delitem(sys.modules, "mine")
    code, _, err = call("run", "--program", "mine:moments", *OPTIONS, "--address", "inline")
    assert code == 3
    assert "program: its code is not that of the run" in err


def test_what_the_module_registers_is_there_and_counts(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "registering.py").write_text(REGISTERING)
    monkeypatch.delitem(sys.modules, "registering", raising=False)
    assert call("run", "--program", "registering:learning", *OPTIONS, "--address", "inline")[0] == 0
    results = widthwise.open(tmp_path / "learning.run")
    assert float(abs(results["limit"]["update"] - np.tanh(1)).max()) < 0.05
    assert {"loss quartic", "optimizer bounded"} < set(open_run(tmp_path / "learning.run").record.identity_fields)


def test_a_spec_file_sets_the_rest_but_cannot_name_a_program(call: Call, tmp_path: Path) -> None:
    text = "[sweep]\nwidth = [8, 32]\ntrials = 8\nseed = [0, 1]\n[limit]\nsamples = 256\nreplicates = 2\n"
    (tmp_path / "rest.toml").write_text(text)
    assert call("run", "rest.toml", "--program", "mine:moments", "--address", "inline")[0] == 0
    assert widthwise.open(tmp_path / "rest.run")["trials"].sizes["seed"] == 2
    (tmp_path / "evil.toml").write_text('experiment = "mine:moments"\n')
    programs_before = dict(programs())
    assert programs_before
    sys.modules["widthwise.experiments.programs"]._REGISTERED.clear()
    code, _, err = call("run", "evil.toml")
    assert code == 2
    assert "only --program can name a program of yours" in err
    assert not programs()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--program", "mine"], "is not of the form module:function"),
        (["--program", "mine:os.system"], "is not of the form module:function"),
        (["--program", "missing:f"], "No module named 'missing'"),
        (["--program", "mine:missing"], "mine has no missing"),
        (["--program", "broken:f"], "importing broken raises SyntaxError"),
        (["--program", "mine:mixing"], "sum depend(s) on the order of the coordinates"),
        (["--program", "mine:wrong"], "must return a dictionary of named tensors"),
        (["--program", "mine:nothing"], "must return a dictionary of named tensors"),
        (["--program", "mine:slashed"], "'a/b' cannot name a readout"),
        (["--program", "mine:reserved"], "'width' cannot name a readout"),
        (["--program", "mine:raising"], "AttributeError: 'FiniteSpace' object has no attribute 'nothing' (mine.py:"),
        (["--program", "mine:moments", "--set", "model.depth=2"], "model: has no meaning for the program mine:moments"),
        (["--program", "mine:moments", "--set", 'sweep."model.depth"=[1,2]'], "cannot be swept"),
        (["ntk", "--program", "mine:moments"], "leave one out"),
        ([], "nothing to run"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_exit_2(call: Call, tmp_path: Path, arguments: list[str], part: str) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    code, out, err = call("run", *arguments, "--address", "inline")
    assert (code, out) == (2, "")
    assert part in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("*.run"))


def test_from_python(tmp_path: Path) -> None:
    name = widthwise.register_program(lambda space: {"one": space.avg(space.vector() ** 2)[:, 0]}, "squares")
    spec = {"experiment": name, "sweep": {"width": [16, 64], "trials": 16}, "limit": {"samples": 256, "replicates": 4}}
    results = widthwise.open(widthwise.run(spec, tmp_path / "a.run", address="inline"))
    # The mean of n squares has variance 2 / n: five standard errors of 16 trials, sqrt(2 / 15) relative.
    assert abs(results["trials"]["one"].sel(width=64).var("trial", ddof=1) * 32 - 1) < 5 * (2 / 15) ** 0.5


def test_the_example_in_the_examples(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "widthwise", "run", "--program", "custom_program:tied_residual", *OPTIONS]
    place = Path(__file__).parents[2] / "examples"
    subprocess.run(
        [*command, "--address", "inline", "--out", str(tmp_path / "a.run")], cwd=place, check=True, capture_output=True
    )
    assert open_run(tmp_path / "a.run").record.spec["experiment"] == "custom_program:tied_residual"
