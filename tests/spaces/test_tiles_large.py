"""A matrix that does not fit: its entries are made again for every product, within the memory of a few vectors."""

import subprocess
import sys

import pytest

TRIAL = """
import resource
import torch
from widthwise import FiniteSpace
torch.set_num_threads(1)
with torch.no_grad():
    space = FiniteSpace(65_536)
    w = space.matrix(law="rademacher")
    v = space.vector()
    y = w(v)
    adjoint = space.gram(w.T(y), v)
    print(w.choice.held, float(space.gram(y)), float(adjoint), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_rademacher_trial_of_width_65536_takes_less_than_4_gb() -> None:
    """Its entries would take 17 GB. Both products see the same entries: the adjoint's average is avg(y^2)."""
    printed = subprocess.run([sys.executable, "-c", TRIAL], capture_output=True, text=True, check=True).stdout
    held, square, adjoint, kilobytes = printed.split()
    assert held == "tiled"
    assert float(adjoint) == pytest.approx(float(square), rel=1e-5)
    assert abs(float(square) - 1) < 5 * (2 * 2 / 65_536) ** 0.5  # fluctuations of v and of W; one false alarm in 2e6
    assert int(kilobytes) < 4e6
