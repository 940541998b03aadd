"""Dim: a class of widths that grow together, or a constant axis beside them."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Dim:
    """A dimension class (TP0 section 3.2).

    Attributes:
        name: what the program calls it.
        size: coordinates of a vector of this class: its width, for kets the number of samples, of a shard its own.
        extent: its width up to a factor common to all classes of a space, so that extents are to each other as widths.
        ratio: of its width to n; None for an axis that keeps its length as the width grows (features of an input).
        shards: how many there are, each with ``size`` coordinates.
    """

    name: str
    size: int
    extent: float
    ratio: float | None = 1.0
    shards: int = 1

    @property
    def constant(self) -> bool:
        """Whether the axis keeps its length as the width grows."""
        return self.ratio is None

    @property
    def weight(self) -> float:
        """How many coordinates of the network one coordinate here stands for, up to a common factor."""
        return self.extent / (self.size * self.shards)

    def at(self, n: int) -> "Dim":
        """This class at width n."""
        if self.ratio is None:
            return self
        size = max(1, round(self.ratio * n))
        return replace(self, size=size, extent=float(size))


def constant_axis(count: int, name: str = "features") -> Dim:
    """An axis of ``count`` features."""
    return Dim(name=name, size=count, extent=float(count), ratio=None)


BIAS = constant_axis(1, "bias")
"""The axis of the one feature, always 1, whose weights are a bias."""
