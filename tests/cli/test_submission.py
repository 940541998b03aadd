"""Submission without a cluster: what is shipped, how jobs are called, which addresses are used, what is refused."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import widthwise
import widthwise_cli
from widthwise.errors import ClusterError, SpecError
from widthwise.run import (
    chosen_address,
    cluster_url,
    job_family,
    look_at,
    members,
    modules_of,
    next_name,
    pack,
    request,
    require_closed,
)
from widthwise.run.gate import Gate
from widthwise.run.on_ray.jobs import ClusterJob
from widthwise.spec import Spec, load_spec
from widthwise_cli import submission
from widthwise_cli.arrival import demands, differences

Call = Callable[..., tuple[int, str, str]]

NTK = {"experiment": "ntk", "data": {"source": "gaussian"}, "sweep": {"width": [8, 16], "model.depth": [1, 2]}}
OUT = ("--out", "/shared/a.run")
GATE = sys.modules[look_at.__module__]
SMALL = ("ntk", "--set", "data.source=gaussian", "--set", "limit.samples=64", "--width", "8,16")


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(variable, raising=False)


@contextmanager
def answering(status: int, text: str) -> Generator[str]:
    """A server on loopback that always says the same; gives its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Cluster:
    """Jobs of a cluster that only remembers what it was sent."""

    def __init__(self) -> None:
        self.jobs: dict[str, ClusterJob] = {}
        self.sent: list[dict[str, Any]] = []

    def all(self) -> list[ClusterJob]:
        return list(self.jobs.values())

    def submit(self, name: str, *, directory: Path, notes: Mapping[str, str], **rest: object) -> None:
        texts = {path: (directory / path).read_text() for path in files(directory)}
        self.sent.append({"name": name, "notes": notes, "files": texts, **rest})
        self.end(name, "RUNNING", notes)

    def end(self, name: str, status: str, notes: Mapping[str, str]) -> None:
        self.jobs[name] = ClusterJob(
            name=name, status=status, message="", exit_code=None, started=None, ended=None, notes=notes
        )


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    monkeypatch.setattr(submission, "reach", lambda address, **_: (cluster, address))
    return cluster


def files(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def packed(directory: Path, spec: Spec) -> Path:
    directory.mkdir()
    pack(directory, spec, packages=[], modules=[])
    return directory


@pytest.mark.parametrize(
    "table",
    [
        NTK,
        {
            "experiment": "signal_propagation",
            "sweep": {"model.bias_variance": [0.5, 1e-6], "trials": {"8": 4}, "width": [8]},
        },
        {"experiment": "lr_transfer"},
        {"experiment": "universality"},
    ],
    ids=lambda table: table["experiment"],
)
def test_the_spec_that_is_shipped_is_the_spec(tmp_path: Path, table: dict[str, object]) -> None:
    spec = load_spec(table)
    assert load_spec(packed(tmp_path / "job", spec) / "spec.json") == spec


def test_data_travels_and_the_run_stays_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).standard_normal((4, 3)))
    spec = load_spec({"experiment": "ntk", "data": {"source": "file", "path": "rows.npy"}}, base=tmp_path)
    directory = packed(tmp_path / "job", spec)
    assert files(directory) == {"spec.json", "data/rows.npy"}
    assert str(tmp_path) not in (directory / "spec.json").read_text()
    moved = directory.rename(tmp_path / "elsewhere")
    shipped = load_spec(moved / "spec.json")
    assert shipped.data.path == str(moved / "data" / "rows.npy")
    assert request(shipped).identity == request(spec).identity


def test_swept_files_are_refused_since_their_paths_would_change(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.ones((4, 3)))
    sweep = {"data.path": [str(tmp_path / "rows.npy")]}
    spec = load_spec(
        {"experiment": "ntk", "data": {"source": "file", "path": "rows.npy"}, "sweep": sweep}, base=tmp_path
    )
    with pytest.raises(SpecError, match=r'sweep\."data\.path": .* submit a run for each file'):
        packed(tmp_path / "job", spec)


def test_too_much_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[pack.__module__], "MAX_SHIPPED_BYTES", 100)
    with pytest.raises(SpecError, match=r"are more than the .* that a job may bring along"):
        packed(tmp_path / "job", load_spec(NTK))


def test_modules_are_found_by_their_imports_and_nothing_else_is_taken(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "__init__.py").write_text("")
    (tmp_path / "nets" / "deep.py").write_text(
        "import numpy\nfrom nets import parts\n\ndef f(space):\n    import lazy\n"
    )
    (tmp_path / "nets" / "parts.py").write_text("from . import __name__\nimport widthwise\n")
    (tmp_path / "lazy.py").write_text("")
    (tmp_path / "secret.py").write_text("raise SystemExit")
    (tmp_path / "widthwise").mkdir()
    (tmp_path / "widthwise" / "__init__.py").write_text("")
    places = [place.as_posix() for _, place in modules_of("nets.deep", tmp_path)]
    assert places == ["lazy.py", "nets/__init__.py", "nets/deep.py", "nets/parts.py"]


def test_what_is_installed_is_not_sent() -> None:
    assert modules_of("json", Path(json.__file__).parents[1]) == []


def test_what_is_shipped_runs_where_nothing_of_ours_is_installed(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def f(space):\n    return {'one': space.avg(space.vector() ** 2)[:, 0]}\n")
    directory = tmp_path / "job"
    directory.mkdir()
    packages = [Path(str(package.__file__)).parent for package in (widthwise, widthwise_cli)]
    pack(directory, load_spec(NTK), packages=packages, modules=modules_of("mine", tmp_path))
    assert not [name for name in files(directory) if "__pycache__" in name]
    check = "import widthwise, widthwise_cli.main, mine; print(widthwise.__file__)"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, ''); {check}"]
    done = subprocess.run(command, cwd=directory, env={"PYTHONPATH": ""}, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(directory / "widthwise" / "__init__.py")


def test_a_job_is_called_after_its_run_and_its_place() -> None:
    family = job_family("identity", "s3://bucket/a.run")
    assert family == job_family("identity", "s3://bucket/a.run")
    assert len({family, job_family("identity", "s3://bucket/b.run"), job_family("other", "s3://bucket/a.run")}) == 3
    assert next_name(family, []) == f"{family}-1"
    known = [f"{family}-10", f"{family}-9", f"{family}-x", f"{family}-01", "widthwise-000000000000-77", "raysubmit_1"]
    assert members(family, known) == [f"{family}-9", f"{family}-10"]
    assert next_name(family, known) == f"{family}-11"


def test_variables_of_ray_come_before_the_argument() -> None:
    assert chosen_address("http://a:1", {}) == ("http://a:1", "--address")
    assert chosen_address("http://a:1", {"RAY_ADDRESS": "http://b:2"}) == ("http://b:2", "RAY_ADDRESS")
    both = {"RAY_ADDRESS": "http://b:2", "RAY_API_SERVER_ADDRESS": "http://c:3"}
    assert chosen_address(None, both) == ("http://c:3", "RAY_API_SERVER_ADDRESS")
    with pytest.raises(SpecError, match="--address: is missing"):
        chosen_address(None, {"RAY_ADDRESS": ""})


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://head", "http://head:8265"),
        ("https://head:443/", "https://head:443"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_addresses(address: str, url: str) -> None:
    assert cluster_url(address, "--address") == url


@pytest.mark.parametrize(
    "address",
    ["head:8265", "auto", "ray://head:10001", "os://system", "http://", "http://head:x", "http://head/a", "ftp://head"],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(SpecError, match=r"RAY_ADDRESS: .* is not http://HOST:PORT"):
        cluster_url(address, "RAY_ADDRESS")


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(SpecError, match="@head:8265") as caught:
        cluster_url("http://user:hunter2@head:8265", "--address")
    assert "hunter2" not in str(caught.value)


def test_a_gate_is_open_or_asks_for_a_token() -> None:
    with answering(200, '{"ray_version": "2.60.0"}') as url:
        assert look_at(url) == Gate(url=url, here=True, open=True)
    for status in (401, 403):
        with answering(status, "Unauthorized") as url:
            assert look_at(url) == Gate(url=url, here=True, open=False)


@pytest.mark.parametrize(
    ("status", "text"), [(200, "<html>"), (200, "[]"), (404, ""), (500, '{"ray_version": "2.60.0"}')]
)
def test_what_is_not_ray_is_refused(status: int, text: str) -> None:
    with answering(status, text) as url, pytest.raises(ClusterError, match="cannot be used"):
        look_at(url)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GATE, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(GATE, "_is_loopback", lambda url: threading.Event().wait(0.5))
    with pytest.raises(ClusterError, match="no answer within"):
        look_at("http://127.0.0.1:1")


def test_only_an_open_cluster_of_others_is_refused() -> None:
    for gate in (Gate(url="u", here=True, open=True), Gate(url="u", here=False, open=False)):
        require_closed(gate, allow_unauthenticated=False)
    wide_open = Gate(url="http://head:8265", here=False, open=True)
    require_closed(wide_open, allow_unauthenticated=True)
    with pytest.raises(ClusterError, match=r"RAY_AUTH_MODE=token.*SSH tunnel.*--allow-unauthenticated"):
        require_closed(wide_open, allow_unauthenticated=False)


def test_versions_count_where_they_decide_numbers() -> None:
    wanted = demands({"numpy": "2.4.0", "rich": "14.0"}, exact=True)
    assert wanted == {"numpy": "2.4.0", "rich": None}
    assert differences(wanted, {"numpy": "2.4.0", "rich": "13.9"}) == []
    assert differences(wanted, {"numpy": "2.3.0"}) == ["numpy 2.3.0 instead of 2.4.0", "no rich"]
    assert differences(demands({"numpy": "2.4.0"}, exact=False), {"numpy": "2.3.0"}) == []


def test_a_job_ends_at_once_where_versions_differ(tmp_path: Path) -> None:
    (tmp_path / "packages.json").write_text(json.dumps({"numpy": "1.0", "no-such-package": None, "rich": None}))
    command = [sys.executable, "-m", "widthwise_cli.arrival"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert f"numpy {np.__version__} instead of 1.0, no no-such-package; submit with --install" in done.stderr
    (tmp_path / "packages.json").write_text(json.dumps({"numpy": np.__version__, "rich": None}))
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0


def test_twice_is_once_while_it_runs_and_the_next_number_afterwards(call: Call, cluster: Cluster) -> None:
    submit = ("submit", *SMALL, *OUT, "--address", "http://head:8265")
    first = call(*submit)[1].strip()
    assert first.endswith("-1")
    assert call(*submit)[1].strip() == first
    code, _, err = call(*submit, "--trials", "40", "--extend")
    assert code == 74
    assert f"`widthwise jobs stop {first}` first" in err
    for status in ("SUCCEEDED", "FAILED", "STOPPED"):
        [*_, last] = cluster.all()
        cluster.end(last.name, status, last.notes)
        assert call(*submit)[1].strip() == f"{first[:-1]}{len(cluster.jobs)}"
    elsewhere = call("submit", *SMALL, "--out", "/shared/b.run", "--address", "http://head:8265")[1].strip()
    assert elsewhere not in (first, f"{first[:-1]}5")
    assert len(cluster.sent) == 5


def test_what_a_job_is_told(call: Call, cluster: Cluster) -> None:
    options = ("--workers", "3", "--shards", "2", "--tolerance", "0.1", "--budget", "2h", "--extend", "--install")
    code, out, _ = call("submit", *SMALL, *OUT, "--address", "http://head:8265", *options, "--json")
    assert code == 0
    [sent] = cluster.sent
    assert json.loads(out)["job"] == sent["name"]
    run = "python -m widthwise run spec.json --address auto --out /shared/a.run"
    rest = "--workers=3 --shards=2 --tolerance=0.1 --budget=2h --extend"
    assert sent["command"] == f"python -m widthwise_cli.arrival && exec {run} {rest}"
    assert json.loads(sent["files"]["spec.json"])["verdict"]["tolerance"] == 0.1
    assert f"numpy=={np.__version__}" in sent["pins"]
    assert not [pin for pin in sent["pins"] if "+" in pin or pin.startswith("ray")]
    assert json.loads(sent["files"]["packages.json"])["numpy"] == np.__version__


def test_no_token_and_no_path_of_this_machine_travels(
    call: Call, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "very-secret")
    np.savetxt(tmp_path / "rows.csv", np.ones((4, 3)), delimiter=",")
    data = ("--set", "data.source=file", "--set", f'data.path="{tmp_path}/rows.csv"', "--set", "limit.samples=64")
    assert call("submit", "ntk", *data, *OUT, "--address", "http://head:8265")[0] == 0
    text = json.dumps(cluster.sent)
    assert "data/rows.csv" in text
    assert "very-secret" not in text
    assert str(tmp_path) not in text
    assert cluster.sent[0]["pins"] == []


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((*SMALL,), "--out is missing: a job's own directory"),
        ((*SMALL, "--out", "memory://a/a.run"), "--out memory://a/a.run: a job's own directory"),
        ((*SMALL, *OUT, "--budget", "long"), "--budget long"),
        ((*SMALL, *OUT, "--workers", "0"), "workers: 0 is below 1"),
        ((*SMALL, "--out", "a.run"), "--out a.run: a job's own directory"),
        ((*SMALL, *OUT, "--set", "model.depth=0"), "model.depth"),
        (("nothing", *OUT), "neither a spec file nor an experiment"),
        (("missing.toml", *OUT), "there is no such file"),
        (("--program", "missing:f", *OUT), "No module named 'missing'"),
        ((*SMALL, *OUT), "--address: is missing"),
        ((*SMALL, *OUT, "--address", "head:8265"), "is not http://HOST:PORT"),
    ],
)
def test_what_cannot_be_submitted_is_exit_2(call: Call, arguments: tuple[str, ...], part: str) -> None:
    code, out, err = call("submit", *arguments)
    assert (code, out) == (2, "")
    assert part in err
    assert err.count("\n") == 1


def test_an_unreachable_cluster_is_exit_69(call: Call) -> None:
    for command in (("submit", *SMALL, *OUT), ("jobs", "list"), ("jobs", "stop", "widthwise-0-1")):
        code, _, err = call(*command, "--address", "http://127.0.0.1:1")
        assert code == 69
        assert "http://127.0.0.1:1 cannot be used" in err


def test_an_open_cluster_is_sent_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GATE, "_is_loopback", lambda url: False)
    with answering(200, '{"ray_version": "2.60.0"}') as url:
        code, _, err = call("submit", *SMALL, *OUT, "--address", url)
    assert code == 69
    assert "Ray's job API runs any command of whoever reaches it" in err


def test_the_address_that_is_used_is_printed(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:1")
    _, _, err = call("jobs", "list", "--address", "http://head:8265")
    assert "RAY_ADDRESS=http://127.0.0.1:1 is used, not --address http://head:8265" in err


def test_without_the_job_client_the_extra_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with answering(401, "") as url:
        code, _, err = call("jobs", "list", "--address", url)
    assert code == 69
    assert "pip install 'widthwise[cluster]'" in err
