"""Drivers on a running cluster: they join it, use what comes, leave what goes, and say in one line why they cannot."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from ray_clusters import Nodes, cluster, driver_environment, wait_until
from run_fakes import BLOCKS, brief, chaos_spec, numbers, slow, tiny_spec

from widthwise.errors import ClusterError, SpecError
from widthwise.run import execute
from widthwise.run.on_ray import executor, probe
from widthwise.run.on_ray.settings import settings
from widthwise.run.progress import Progress
from widthwise.store import read_journal, read_log, tree_hash

DRIVER = """
import sys
from pathlib import Path
from run_fakes import slow, tiny_spec
from widthwise.run import execute
execute(tiny_spec(), Path(sys.argv[1]), address=sys.argv[2], workers=1, measure=slow)
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with cluster(2, ray_client_server_port=port) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    folder = tmp_path_factory.mktemp("inline")
    execute(tiny_spec(), folder / "tiny", address="inline", measure=numbers)
    execute(chaos_spec(), folder / "chaos", address="inline", measure=numbers)
    return {name: tree_hash(folder / name) for name in ("tiny", "chaos")}


def events_of(path: Path, kind: str) -> list[Mapping[str, object]]:
    return [line for line in read_log(path) if line["event"] == kind]


def when(path: Path, blocks: int, action: Callable[[], None]) -> Thread:
    """Do something as soon as so many blocks are stored."""

    def wait() -> None:
        wait_until(lambda: path.exists() and len(read_journal(path)) >= blocks)
        action()

    thread = Thread(target=wait)
    thread.start()
    return thread


def test_an_address_is_one_of_five_forms() -> None:
    for address in ("nowhere", "http://head:8265", "ray://head", "head:port", ""):
        with pytest.raises(SpecError, match=r"allowed: local, auto, inline, HOST:PORT, ray://HOST:PORT"):
            execute(tiny_spec(), Path("never.run"), address=address)


@pytest.mark.timeout(15)
@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_a_cluster_that_is_not_there_is_named_at_once(tmp_path: Path, form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = form.format(server.getsockname()[1])
    with pytest.raises(ClusterError, match=f"^address: nobody listens at {address} .*; is the cluster up"):
        execute(tiny_spec(), tmp_path / "a.run", address=address, measure=numbers)
    assert not (tmp_path / "a.run").exists()


@pytest.mark.timeout(15)
@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_a_listener_that_is_no_ray_is_given_up_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(probe, "ANSWER_SECONDS", 1.0)  # of eight
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = form.format(server.getsockname()[1])
        with pytest.raises(ClusterError, match=r"does not answer"):
            execute(tiny_spec(), tmp_path / "a.run", address=address, measure=numbers)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("found", ["http://head:8265", "local"])
def test_an_address_in_the_environment_that_no_driver_can_join_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", found)
    with pytest.raises(ClusterError, match=f"RAY_ADDRESS: '{re.escape(found)}' is no cluster that a driver can join"):
        execute(tiny_spec(), tmp_path / "a.run", address="auto", measure=numbers)


@pytest.mark.slow
@pytest.mark.parametrize("token", ["0" * 64, None])
@pytest.mark.parametrize("client", [False, True])
def test_a_wrong_token_is_refused_and_not_shown(nodes: Nodes, tmp_path: Path, token: str | None, client: bool) -> None:
    address = nodes.client if client else nodes.address
    with (
        settings({"RAY_AUTH_TOKEN": token, "RAY_AUTH_MODE": token and "token"}),
        pytest.raises(ClusterError, match=f"address: {address} refuses the token of this process; set RAY") as caught,
    ):
        execute(tiny_spec(), tmp_path / "a.run", address=address, measure=numbers)
    assert "0" * 64 not in str(caught.value)


@pytest.mark.slow
def test_another_version_of_ray_is_named(nodes: Nodes, tmp_path: Path) -> None:
    own = nodes.claim_version("2.51.0")
    try:
        with pytest.raises(ClusterError, match=rf"Ray 2\.51\.0 there and {re.escape(own)} here"):
            execute(tiny_spec(), tmp_path / "a.run", address=nodes.address, measure=numbers)
    finally:
        nodes.claim_version(own)


@pytest.mark.slow
def test_nodes_without_widthwise_or_with_another_are_named(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = partial(execute, tiny_spec(), tmp_path / "a.run", address=nodes.address, workers=1, measure=numbers)
    with monkeypatch.context() as patch:
        patch.setattr(executor, "__version__", "0.0.1")
        with pytest.raises(ClusterError, match=r"a worker has widthwise .* and its driver 0\.0\.1; install the same"):
            run()
    monkeypatch.setattr(executor, "worker_environment", lambda threads: {"PYTHONPATH": ""})
    with pytest.raises(ClusterError, match="a node of the cluster has no widthwise; install"):
        run()


@pytest.mark.slow
def test_no_token_is_written_into_the_run(nodes: Nodes, tmp_path: Path, whole: Mapping[str, str]) -> None:
    token = driver_environment()["RAY_AUTH_TOKEN"]
    execute(tiny_spec(), tmp_path / "a.run", address=nodes.address, measure=numbers)
    assert tree_hash(tmp_path / "a.run") == whole["tiny"]
    assert not [
        path for path in (tmp_path / "a.run").rglob("*") if path.is_file() and token in path.read_text("latin1")
    ]


@pytest.mark.slow
def test_a_driver_outside_of_the_cluster_gets_the_same_bytes(
    nodes: Nodes, tmp_path: Path, whole: Mapping[str, str]
) -> None:
    outcome = execute(tiny_spec(), tmp_path / "a.run", address=nodes.client, measure=numbers)
    assert (outcome.computed_blocks, outcome.quarantined) == (BLOCKS, ())
    assert tree_hash(tmp_path / "a.run") == whole["tiny"]


@pytest.mark.slow
def test_auto_is_the_cluster_that_the_environment_names(
    nodes: Nodes, tmp_path: Path, whole: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", nodes.address)
    execute(tiny_spec(), tmp_path / "a.run", address="auto", measure=numbers)
    assert tree_hash(tmp_path / "a.run") == whole["tiny"]


@pytest.mark.slow
def test_a_node_that_joins_late_is_used(nodes: Nodes, tmp_path: Path, whole: Mapping[str, str]) -> None:
    path = tmp_path / "a.run"
    spec = chaos_spec()
    progress: list[Progress] = []

    def join_after_three(now: Progress) -> None:
        progress.append(now)
        if now.done_blocks >= 3 and len(nodes.living) == 2:
            nodes.add()

    execute(spec, path, address=nodes.address, measure=partial(_patient, path), on_progress=join_after_three)
    assert len(events_of(path, "place_offered")) == 3
    assert max(each.workers for each in progress) == 3
    assert tree_hash(path) == whole["chaos"]
    nodes.kill(2)


@pytest.mark.slow
def test_a_node_that_is_drained_is_left_and_nothing_counts_as_failed(
    nodes: Nodes, tmp_path: Path, whole: Mapping[str, str]
) -> None:
    path = tmp_path / "a.run"
    draining = when(path, 10, partial(nodes.drain, 1))
    progress: list[Progress] = []
    execute(chaos_spec(), path, address=nodes.address, measure=brief, on_progress=progress.append)
    draining.join()
    (withdrawn,) = events_of(path, "place_withdrawn")
    assert "is being drained" in str(withdrawn["reason"])
    assert progress[-1].failures == 0
    assert tree_hash(path) == whole["chaos"]
    nodes.kill(1)
    nodes.add()


@pytest.mark.slow
def test_a_node_that_dies_blames_no_unit(nodes: Nodes, tmp_path: Path, whole: Mapping[str, str]) -> None:
    path = tmp_path / "a.run"
    dying = when(path, 10, partial(nodes.kill, 0))
    progress: list[Progress] = []
    execute(chaos_spec(), path, address=nodes.address, measure=brief, on_progress=progress.append)
    dying.join()
    lost = events_of(path, "worker_lost")
    assert [(each["blameless"], each["place_gone"]) for each in lost] == [(True, True)]
    assert progress[-1].failures == 0
    assert tree_hash(path) == whole["chaos"]
    nodes.add()


@pytest.mark.slow
def test_two_drivers_share_a_cluster(nodes: Nodes, tmp_path: Path, whole: Mapping[str, str]) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path / "other.run"), nodes.address], env=driver_environment()
    )
    try:
        wait_until(lambda: (tmp_path / "other.run").exists() and bool(read_journal(tmp_path / "other.run")))
        execute(tiny_spec(), tmp_path / "a.run", address=nodes.address, measure=slow)
        assert other.wait(120) == 0
    finally:
        other.kill()
        other.wait()
    assert {tree_hash(tmp_path / name) for name in ("a.run", "other.run")} == {whole["tiny"]}
    wait_until(lambda: not nodes.workers())


def _patient(path: Path, *arguments: object) -> Mapping[str, object]:
    """Blocks as in `brief`, but none before the third worker is there, once ten are stored."""
    if len(read_journal(path)) >= 10:
        wait_until(lambda: len(events_of(path, "worker_ready")) == 3)
    return brief(*arguments)
