"""From raw trials to convergence curves, slopes and verdicts."""

from widthwise.reduce.datasets import reduce

__all__ = ["reduce"]
