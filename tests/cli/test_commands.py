"""The command: what goes to stdout, what to stderr, which exit code, and what is left on the disk."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from widthwise.errors import WidthwiseError
from widthwise.experiments import EXPERIMENTS, TABLES, Kind
from widthwise.models import MODELS
from widthwise.spec import load_spec
from widthwise.training import LOSSES, OPTIMIZERS, PRESETS

SPEC = """
experiment = "ntk"
[model]
depth = 2
[data]
source = "gaussian"
count = 2
features = 3
[sweep]
width = [8, 32, 128]
trials = 16
[limit]
samples = 256
replicates = 4
"""

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; tests that write copy it."""
    import widthwise

    place = tmp_path_factory.mktemp("finished")
    (place / "spec.toml").write_text(SPEC)
    return widthwise.run(place / "spec.toml", place / "spec.run", address="inline")


def times(path: Path) -> dict[str, int]:
    return {str(file.relative_to(path)): file.stat().st_mtime_ns for file in sorted(path.rglob("*"))}


def chunks(path: Path) -> dict[str, int]:
    """When each chunk of a readout that a worker computed was written."""
    groups = ("trials", "limit", "exact", "arithmetic")
    places = [path / "results.zarr" / group / readout / "c" for group in groups for readout in ("nngp", "ntk")]
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): file.stat().st_mtime_ns for file in files}


def test_run_prints_the_table_and_stores_everything(call: Call, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    code, out, err = call("run", "spec.toml", "--address", "inline")
    assert code == 0
    for word in ("nngp", "ntk", "8", "32", "128", "slope"):
        assert word in out
    assert "figure  spec.run/figures/convergence.png" in err
    assert (tmp_path / "spec.run/figures/convergence.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"spec.toml", "spec.run"}
    groups = {path.name for path in (tmp_path / "spec.run/results.zarr").iterdir() if path.is_dir()}
    assert groups == {"trials", "limit", "exact", "arithmetic", "curves", "verdicts"}


def test_a_finished_run_does_nothing(call: Call, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "spec.run")
    (tmp_path / "spec.toml").write_text(SPEC)
    assert call("run", "spec.toml", "--address", "inline")[0] == 0
    before = times(tmp_path / "spec.run")
    code, out, err = call("run", "spec.toml", "--address", "inline")
    assert code == 0
    assert "slope" in out
    assert "0 blocks computed" in err
    assert times(tmp_path / "spec.run") == before


def test_more_widths_and_trials_only_with_extend(call: Call, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "spec.run")
    (tmp_path / "spec.toml").write_text(SPEC)
    before = chunks(tmp_path / "spec.run")
    options = ("--width", "8,32,128,256", "--trials", "24", "--address", "inline")
    code, _, err = call("run", "spec.toml", *options)
    assert code == 3
    assert "--extend" in err
    code, _, err = call("run", "spec.toml", *options, "--extend")
    assert code == 0
    assert "6 blocks computed, 12 were there" in err
    after = chunks(tmp_path / "spec.run")
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 2 * 6


def test_another_spec_names_the_keys_and_fresh_starts_over(call: Call, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "spec.run")
    (tmp_path / "spec.toml").write_text(SPEC)
    before = times(tmp_path / "spec.run")
    arguments = ("run", "spec.toml", "--set", "model.activation=relu", "--set", "seed=3", "--address", "inline")
    code, out, err = call(*arguments)
    assert (code, out) == (3, "")
    assert "model.activation: 'erf' in the run, 'relu' in the spec" in err
    assert "seed: 0 in the run, 3 in the spec" in err
    assert err.count("\n") == 1
    assert times(tmp_path / "spec.run") == before
    assert call(*arguments, "--fresh")[0] == 0
    assert json.loads((tmp_path / "spec.run/run.json").read_text())["spec"]["seed"] == 3


def test_an_experiment_runs_by_its_name(call: Call, tmp_path: Path) -> None:
    options = ["--set", "data.source=sphere", "--set", "limit.samples=64", "--width", "8,16", "--trials", "8"]
    code, out, _ = call("run", "nngp", *options, "--address", "inline", "--json", "--tolerance", "0.5")
    assert code == 0
    json.loads(out)
    assert (tmp_path / "nngp.run").is_dir()


def test_dry_run_writes_nothing(call: Call, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    code, out, _ = call("run", "spec.toml", "--dry-run")
    assert code == 0
    for word in ("units", "blocks", "KiB", "workers", " s on "):
        assert word in out
    code, out, _ = call("run", "spec.toml", "--dry-run", "--json", "--workers", "1")
    forecast = json.loads(out)
    assert forecast["missing_blocks"] == 3 * 2 + 4 + 1 + 1
    assert forecast["workers"] == 1
    assert sum(row["blocks"] for row in forecast["rows"]) == forecast["missing_blocks"]
    # 2 readouts of 2 x 2 numbers: 6 blocks of 8 trials, 4 replicates, exact, arithmetic
    assert forecast["stored_bytes"] == 8 * 2 * 4 * (6 * 8 + 4 + 1 + 1)
    assert [path.name for path in tmp_path.iterdir()] == ["spec.toml"]


def test_dry_run_of_a_finished_run_has_nothing_to_do(call: Call, finished: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    code, out, _ = call("run", "spec.toml", "--dry-run", "--json", "--out", str(finished))
    forecast = json.loads(out)
    assert (code, forecast["units"], forecast["missing_blocks"], forecast["stored_blocks"]) == (0, 0, 0, 12)


def test_show_prints_what_run_printed(call: Call, finished: Path) -> None:
    before = times(finished)
    code, out, err = call("show", str(finished))
    assert (code, err) == (0, "")
    assert "slope" in out
    code, out, err = call("show", str(finished), "--json")
    assert (code, err) == (0, "")
    json.loads(out)
    assert times(finished) == before


def test_show_check_fails_with_a_verdict(call: Call, finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slope that is expected to be -2 is refuted by the data: `--check` turns that into exit 6."""
    from widthwise.experiments import experiment

    assert call("show", str(finished), "--check")[0] == 0
    from widthwise.report import pipeline

    honest = pipeline.reduced

    def steep(*arguments: object, **options: object) -> object:
        options["expected"] = {name: {"rms": -2.0} for name in ("nngp", "ntk")}
        return honest(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "reduced", steep)
    code, out, err = call("show", str(finished), "--check")
    assert code == 6
    assert "slope" in out
    assert "verdicts that fail" in err
    assert err.count("\n") == 1
    assert experiment.SLOPES["rms"] == -0.5


def test_plot_draws_where_it_is_told(call: Call, finished: Path, tmp_path: Path) -> None:
    code, out, _ = call("plot", str(finished), "-o", "deep/er/figure.png")
    assert (code, out) == (0, "deep/er/figure.png\n")
    first = (tmp_path / "deep/er/figure.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    call("plot", str(finished), "-o", "again.png")
    assert (tmp_path / "again.png").read_bytes() == first


def test_reduce_restores_the_same_curves(call: Call, finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.run"
    shutil.copytree(finished, copy)
    before = {path: path.read_bytes() for path in sorted((copy / "results.zarr/curves").rglob("*")) if path.is_file()}
    shutil.rmtree(copy / "results.zarr/curves")
    code, _, _ = call("reduce", str(copy))
    assert code == 0
    after = {path: path.read_bytes() for path in sorted((copy / "results.zarr/curves").rglob("*")) if path.is_file()}
    assert after == before


def test_check_finds_damage(call: Call, finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.run"
    shutil.copytree(finished, copy)
    code, out, err = call("check", str(copy))
    assert (code, out) == (0, "")
    assert "no damage" in err
    chunk = next(path for path in sorted((copy / "results.zarr/trials/ntk/c").rglob("*")) if path.is_file())
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    code, out, err = call("check", str(copy))
    assert code == 5
    assert "ntk" in out
    assert err.count("\n") == 1
    assert call("show", str(copy))[0] == 5
    assert json.loads(call("check", str(copy), "--json")[1])["problems"]


def test_list_names_experiments_and_keys(call: Call) -> None:
    code, out, err = call("list")
    assert (code, err) == (0, "")
    assert "ntk" in out
    assert "nngp" in out
    code, out, _ = call("list", "ntk")
    for word in ("readout ntk", "source", "model.depth", "limit.samples", "gelu"):
        assert word in out
    assert {kind["name"] for kind in json.loads(call("list", "--json")[1])} >= {"nngp", "ntk", "semicircle", "amp"}
    assert call("list", "nothing")[0] == 2


def test_list_shows_the_options_of_an_experiment_and_no_key_that_it_cannot_have(call: Call) -> None:
    code, out, err = call("list", "semicircle")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines() if "." in line.split()[0]}
    assert rows["options.orders"].split() == ["options.orders", "14", "an", "integer", "from", "1", "to", "32"]
    assert "student_t(5)" in rows["options.law"]
    assert not [key for key in rows if key.startswith(("model.", "data."))]
    (document,) = json.loads(call("list", "amp", "--json")[1])
    assert set(document) == {"kind", "name", "summary", "assumptions", "source", "readouts", "keys"}
    assert document["keys"]["options.density"] == {"default": 0.1, "allowed": "a number from 1e-06 to 1"}
    assert document["keys"]["options.denoiser"]["allowed"] == "soft_threshold, tanh"
    assert "options.law" not in json.loads(call("list", "ntk", "--json")[1])[0]["keys"]


def test_list_shows_every_architecture_and_its_parameters(call: Call) -> None:
    code, out, _ = call("list")
    assert code == 0
    for name, model in MODELS.items():
        assert any(line.split()[:1] == [name] and model.summary[:20] in line for line in out.splitlines())
    code, out, _ = call("list", "batch_norm")
    for word in ("no tangent kernel", "1502.03167", "model.epsilon", "model.vector_law"):
        assert word in out
    documents = {each["name"]: each for each in json.loads(call("list", "--json")[1])}
    assert documents["lstm"]["keys"]["model.tied"] == {"default": True, "allowed": "true, false"}
    assert "orthogonal" in documents["lstm"]["keys"]["model.law"]["allowed"]
    assert "orthogonal" not in documents["lstm"]["keys"]["model.vector_law"]["allowed"]
    assert "transformer" in documents["ntk"]["keys"]["model.name"]["allowed"]


def test_list_shows_optimizers_losses_and_parametrizations(call: Call) -> None:
    lines = call("list")[1].splitlines()
    summaries = {**{name: options.summary for name, options in OPTIMIZERS.items()}, **LOSSES, **PRESETS}
    for name, summary in summaries.items():
        assert any(line.split()[:1] == [name] and summary[:20] in line for line in lines)
    out = call("list", "sgd")[1]
    for word in ("stochastic gradient descent", "in the gradients", "optimizer.learning_rate", "above 0 to"):
        assert word in out
    documents = {(each["kind"], each["name"]): each for each in json.loads(call("list", "--json")[1])}
    adam = documents["optimizer", "adam"]
    assert (adam["linear"], adam["keys"]["optimizer.beta1"]["default"]) == (False, 0.9)
    assert "adafactor" in adam["keys"]["optimizer.name"]["allowed"]
    assert documents["loss", "squared"]["summary"] == LOSSES["squared"]
    assert documents["parametrization", "uniform"]["summary"] == PRESETS["uniform"]


@pytest.fixture
def _trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """An experiment with all tables, and a number of steps of its own."""
    kind = Kind(
        name="probe",
        summary="",
        assumptions="",
        source="",
        readouts=(),
        home="",
        tables=frozenset(TABLES) - {"options"},
        defaults={"training": {"steps": 3}},
    )
    monkeypatch.setitem(EXPERIMENTS, "probe", kind)  # type: ignore[arg-type]


@pytest.mark.usefixtures("_trains")
def test_list_shows_the_keys_of_training(call: Call) -> None:
    (document,) = json.loads(call("list", "probe", "--json")[1])
    keys = document["keys"]
    assert keys["training.steps"] == {"default": 3, "allowed": "an integer from 1 to 4096"}
    assert keys["training.loss"] == {"default": "squared", "allowed": "squared, cross_entropy"}
    assert keys["training.schedule.name"]["allowed"] == "constant, cosine, step: each with keys of its own"
    assert keys["parametrization.preset"]["allowed"] == "mup, ntp, sp, mean_field, uniform"
    assert keys["parametrization.a"] == {"default": None, "allowed": "a list, each a number such as 0, -1 or '1/2'"}
    assert keys["parametrization.initial.output"]["allowed"] == "a number from 0 to 1000000"
    rows = {line.split()[0] for line in call("list", "probe")[1].splitlines() if line.strip()}
    assert set(keys) <= rows


@pytest.mark.usefixtures("_trains")
@pytest.mark.parametrize("name", [*EXPERIMENTS, *MODELS, *OPTIMIZERS, "probe"])
def test_every_key_that_is_listed_can_be_set_to_its_default(call: Call, name: str) -> None:
    (document,) = json.loads(call("list", name, "--json")[1])
    experiment = name if name in EXPERIMENTS else "probe"
    table: dict[str, object] = {"experiment": experiment}
    for key, rule in document["keys"].items():
        *sections, last = key.split(".")
        place = table
        for section in sections:
            place = place.setdefault(section, {})  # type: ignore[assignment]
        if rule["default"] is not None:
            place[last] = rule["default"]
    named: dict[str, object] = {"model": {"name": name}} if name in MODELS else {}
    named |= {"optimizer": {"name": name}} if name in OPTIMIZERS else {}
    assert load_spec(table) == load_spec({"experiment": experiment, **named})


def test_doctor_says_what_there_is(call: Call) -> None:
    code, out, _ = call("doctor")
    assert code == 0
    assert "torch" in out
    found = json.loads(call("doctor", "--json")[1])
    assert set(found) == {"found", "missing"}
    assert found["found"]["torch"].startswith("2.")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["run", "nothing"], "known experiments: nngp, ntk"),
        (["run", "nothing.toml"], "no such file"),
        (["run", "some/where"], "a spec ends in"),
        (["run", "ntk", "--width", "64,x"], "--width 64,x: 'x' is not a width"),
        (["run", "ntk", "--width", "64,,128"], "'' is not a width"),
        (["run", "ntk", "--width", "1"], "sweep.width[0]: 1 is below 2"),
        (["run", "ntk", "--trials", "0"], "sweep.trials: 0 is not an integer from 2"),
        (["run", "ntk", "--tolerance", "nan"], "verdict.tolerance: nan"),
        (["run", "ntk", "--tolerance", "-1"], "verdict.tolerance: -1.0 is not above 0"),
        (["run", "ntk", "--set", "model.depht=3"], "did you mean 'depth'"),
        (["run", "ntk", "--set", "model.activation=foo"], "model.activation: 'foo'"),
        (["run", "ntk", "--set", "data.source=file"], "data.path: is missing"),
        (["run", "semicircle", "--set", "options.law=cauchy"], "options.law: 'cauchy' is not known; allowed: gaussian"),
        (["run", "amp", "--set", "options.step=3"], "options.step: is not a known key; allowed: law, delta"),
        (["run", "amp", "--set", 'sweep."options.steps"=[1, 2]'], 'sweep."options.steps": cannot be swept'),
        (["run", "amp", "--set", "model.depth=2"], "model: has no meaning for the experiment amp; leave the table out"),
        (["run", "ntk", "--address", "mars"], "'mars' is not known"),
        (["run", "ntk", "--workers", "0"], "workers: 0 is below 1"),
        (["run", "ntk", "--out", "ftp://bucket/x.run"], "ftp:// is no storage"),
        (["show", "nothing.run"], "nothing.run"),
        (["plot", "nothing.run"], "nothing.run"),
        (["reduce", "nothing.run"], "nothing.run"),
        (["check", "nothing.run"], "nothing.run"),
        (["list", "nothing"], "no such experiment"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(call: Call, tmp_path: Path, arguments: list[str], part: str) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert part in err
    assert err.startswith("widthwise: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["run"], ["run", "ntk", "--no-such-option"], ["no-such-command"], ["show"]])
def test_what_the_parser_refuses_is_exit_2(call: Call, arguments: list[str]) -> None:
    code, out, _ = call(*arguments)
    assert (code, out) == (2, "")


def test_an_out_directory_that_cannot_be_written_is_exit_74(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "spec.toml").write_text(SPEC)
    code, out, err = call("run", "spec.toml", "--address", "inline", "--out", "file/x.run")
    assert (code, out) == (74, "")
    assert "Not a directory" in err
    assert err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_malicious_file_does_nothing(call: Call, tmp_path: Path) -> None:
    (tmp_path / "evil.yaml").write_text("experiment: !!python/object/apply:os.system ['touch PWNED']\n")
    code, _, err = call("run", "evil.yaml")
    assert code == 2
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["evil.yaml"]


def test_a_bug_is_one_line_with_the_way_to_the_traceback(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "first line\nsecond line"
        raise RuntimeError(message)

    monkeypatch.setattr("widthwise_cli.catalogue.print_result", broken)
    code, _, err = call("list")
    assert code == 1
    assert err == "widthwise: bug: RuntimeError: first line; WIDTHWISE_DEBUG=1 shows where\n"
    monkeypatch.setenv("WIDTHWISE_DEBUG", "1")
    with pytest.raises(RuntimeError):
        call("list")


def test_every_error_has_an_exit_code_of_its_own_kind() -> None:
    codes = {error.__name__: error.exit_code for error in WidthwiseError.__subclasses__()}
    assert codes == {
        "SpecError": 2,
        "IdentityError": 3,
        "IncompleteError": 4,
        "CorruptError": 5,
        "VerdictError": 6,
        "ClusterError": 69,
        "StorageError": 74,
        "InterruptedRunError": 75,
        "ProgramError": 2,
    }


def test_a_unit_that_cannot_be_computed_is_exit_4_and_the_rest_is_shown(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from widthwise.run import driver

    honest = driver.measure_block

    def poisoned(spec: object, inputs: object, block: object) -> object:
        if getattr(block, "width", 0) == 32 and getattr(block, "index", 0) == 1:
            message = "poisoned"
            raise RuntimeError(message)
        return honest(spec, inputs, block)  # type: ignore[arg-type]

    execute = driver.execute
    monkeypatch.setattr(
        sys.modules["widthwise.run"],  # `widthwise.run` is the public function
        "execute",
        lambda *arguments, **options: execute(*arguments, **options, measure=poisoned),  # type: ignore[arg-type]
    )
    (tmp_path / "spec.toml").write_text(SPEC)
    code, out, err = call("run", "spec.toml", "--address", "inline")
    assert code == 4
    assert "slope" in out
    last = err.strip().splitlines()[-1]
    assert "could not be computed" in last
    assert "poisoned" in last
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert call("run", "spec.toml", "--address", "inline")[0] == 0


def test_module_and_command_are_the_same() -> None:
    """One real process: ``python -m widthwise`` starts, and a version is printed."""
    found = subprocess.run([sys.executable, "-m", "widthwise", "--version"], check=True, capture_output=True, text=True)
    from widthwise import __version__

    assert found.stdout == f"widthwise {__version__}\n"


def test_help_needs_no_torch() -> None:
    program = (
        "import sys\nfrom widthwise_cli.main import main\nsys.argv = ['widthwise', 'run', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nassert not {'torch', 'ray'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_file_that_cannot_be_read_is_refused_before_torch_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom widthwise_cli.main import main\nsys.argv = ['widthwise', 'run', 'missing.toml']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 2\n"
        "assert not {'torch', 'ray'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=tmp_path)


def test_a_bad_spec_is_refused_before_anything_slow_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom widthwise_cli.main import main\nsys.argv = ['widthwise', 'run', 'ntk', '--set', 'seed=x']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 2\n"
        "assert not {'ray', 'scipy', 'torch', 'zarr'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=tmp_path)


def test_a_signal_stops_a_run_and_says_how_to_resume(tmp_path: Path) -> None:
    """SIGTERM in the middle: exit 75 and the command that resumes, which is the same without ``--fresh``."""
    (tmp_path / "spec.toml").write_text(SPEC)
    arguments = ["run", "spec.toml", "--address", "inline", "--width", "8,16", "--trials", "4000"]
    command = [sys.executable, "-m", "widthwise", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--fresh"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        journal = tmp_path / "spec.run/journal"
        deadline = time.monotonic() + 120
        while not (journal.is_dir() and any(file.stat().st_size for file in journal.iterdir())):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (75, "")
    last = err.strip().splitlines()[-1]
    assert f"widthwise {' '.join(arguments)}" in last
    assert "--fresh" not in last
