"""The output layer: random weights applied to the readout vectors of a network."""

from dataclasses import dataclass

from torch import Tensor

from widthwise.spaces import Space, gram
from widthwise.training.network import Network, Signals


@dataclass(frozen=True, eq=False, kw_only=True)
class Pass:
    """One evaluation of a network for some inputs.

    Attributes:
        space: that of this evaluation, which knows all products.
        signals: of the network.
        features: its readout vectors, one after the other at all positions, (replicate, input, coordinate).
        drawn: initial output weights, (replicate, output, coordinate).
        positions: how many there are.
    """

    space: Space
    signals: Signals
    features: Tensor
    drawn: Tensor
    positions: int

    def initial(self) -> Tensor:
        """The mean of drawn weights times features, over the root of the number of positions, summed over these.

        Float64, (replicate, input, output).
        """
        return gram(self.features, self.drawn) * self.positions**0.5


def evaluated(space: Space, network: Network, inputs: Tensor, outputs: int) -> Pass:
    """Run a network and draw its output weights."""
    signals = network(space, inputs)
    readout = signals.readout
    positions = readout.shape[2] if readout.ndim == 4 else 1
    drawn = space.vectors(outputs * positions).reshape(len(readout), outputs, -1)
    return Pass(space=space, signals=signals, features=readout.flatten(2), drawn=drawn, positions=positions)
