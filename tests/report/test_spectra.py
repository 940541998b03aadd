"""Spectra: three routes to one distribution function agree, and figures of equal runs are equal."""

from pathlib import Path

import numpy as np
import pytest

import widthwise
from widthwise.report.figures import figures_of
from widthwise.report.pipeline import curves_of
from widthwise.report.spectra import has_spectra, spectra
from widthwise.store import Run, open_results, open_run

SPEC = {
    "experiment": "jacobian_spectrum",
    "model": {"name": "mlp", "depth": 3, "activation": "tanh"},
    "data": {"source": "sphere", "count": 1},
    "options": {"steps": 3},
    "sweep": {"width": [16, 64], "trials": 4, "model.law": ["gaussian", "rademacher"]},
    "limit": {"samples": 512, "replicates": 2},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(widthwise.run(SPEC, tmp_path_factory.mktemp("spectra") / "x.run", address="inline"))


def test_routes_agree(run: Run) -> None:
    """Singular values of 4 matrices of width 64 within 0.1 of the law, and the law in the bounds up to 0.1."""
    assert has_spectra(run)
    found = spectra(open_results(run.path))
    assert found.points == len(found.panels) == 2
    for panel in found.panels:
        assert panel.dense is not None
        assert panel.exact is not None
        assert panel.dense_width == 64
        assert np.abs(panel.dense - panel.exact).max() < 0.1
        assert [each.label.partition(",")[0] for each in panel.bounds] == [
            "bounds by Lanczos in the limit",
            "bounds by Lanczos",
        ]
        limit = panel.bounds[0]
        assert (limit.low <= panel.exact + 0.1).all()
        assert (panel.exact <= limit.high + 0.1).all()
        assert (np.diff(panel.exact) >= 0).all()
    assert "rademacher" in found.panels[1].title


def test_the_figure_has_equal_bytes(run: Run, tmp_path: Path) -> None:
    draw = figures_of(run)["spectra"]
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for path in (first, second):
        draw(run, curves_of(run.path), path)
    assert first.read_bytes() == second.read_bytes()
