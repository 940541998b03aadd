"""The canary: the same for the same arithmetic, another for another, and a message that says in what."""

import numpy as np
import pytest
import torch

from widthwise.errors import ClusterError, IdentityError
from widthwise.run import canary as module
from widthwise.run.canary import canary, check_canary
from widthwise.run.environment import environment

PROBES = {"draws", "forward", "reduction"}


def test_is_the_same_twice_and_leaves_the_threads_as_they_were() -> None:
    threads = torch.get_num_threads()
    first, second = (canary(device="cpu", threads=threads + 1) for _ in range(2))
    assert first == second
    assert torch.get_num_threads() == threads
    assert set(first) == {"numpy", "torch", "device", "threads"} | PROBES


@pytest.mark.parametrize(
    ("name", "replacement", "probe"),
    [
        ("torch_generator", lambda device, *_: torch.Generator(device).manual_seed(1), "draws"),
        ("numpy_generator", lambda *_: np.random.default_rng(1), "draws"),
        ("_ramp", lambda device: torch.linspace(-1, 1, 64 * 257).reshape(64, 257), "forward"),
        ("_ramp", lambda device: torch.linspace(-1, 1, 64 * 257).reshape(64, 257), "reduction"),
    ],
)
def test_every_probe_sees_other_numbers(
    monkeypatch: pytest.MonkeyPatch, name: str, replacement: object, probe: str
) -> None:
    before = canary(device="cpu", threads=1)
    monkeypatch.setattr(module, name, replacement)
    assert canary(device="cpu", threads=1)[probe] != before[probe]


def test_a_last_bit_of_one_operation_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    before = canary(device="cpu", threads=1)
    tanh = torch.tanh
    monkeypatch.setattr(torch, "tanh", lambda x: torch.nextafter(tanh(x), torch.ones(())))
    assert canary(device="cpu", threads=1)["forward"] != before["forward"]


def test_the_message_names_what_differs_and_the_remedy() -> None:
    here = canary(device="cpu", threads=1)
    there = here | {"torch": "1.0", "draws": "abc"}
    message = rf"draws: abc in the run, {here['draws']} here; torch: 1\.0 in the run, "
    with pytest.raises(IdentityError, match=message) as refused:
        check_canary(there, here)
    assert "--allow-mixed" in str(refused.value)
    assert "\n" not in str(refused.value)
    check_canary(here, here)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_no_silent_fallback() -> None:
    with pytest.raises(ClusterError, match=r"numerics\.device: 'cuda', but no GPU is visible"):
        canary(device="cuda", threads=1)


def test_the_environment_names_versions_and_no_person_or_place() -> None:
    found = environment(device="cpu", threads=2)
    assert found["numpy"] == np.__version__
    assert found["threads"] == "2"
    assert set(found) == {
        "python", "numpy", "torch", "scipy", "zarr", "xarray", "ray", "machine", "cpu_capability", "device", "threads",
    }  # fmt: skip
