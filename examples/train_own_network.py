"""A network of one's own in ten lines, trained with Adam at every width and in the limit by the same code.

    python examples/train_own_network.py

Prints how far the trained functions of each width are from that of the limit: four times the width, half the distance.
As a program of the command, with curves, intervals and a figure:

    cd examples
    widthwise run --program train_own_network:trained --width 64,256,1024 --set limit.samples=2048
"""

from collections.abc import Mapping

import torch
from torch import Tensor

import widthwise
from widthwise.spaces import Space
from widthwise.training import Adam

INPUTS = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, -0.6, 0.8], [0.0, 0.0, 1.0]]) * 3**0.5
TARGETS = torch.tensor([1.0, -1.0, 0.5])  # of the first three; the fourth is a test input
STEPS = 6


def network(space: Space, inputs: Tensor) -> Tensor:
    """Two layers x <- x + W tanh(W^T x) with one matrix W for both: the vectors that output weights are applied to."""
    W = space.matrix(variance=0.5)
    x = space.matrix(features=inputs.shape[1])(space.constant(inputs))
    for _ in range(2):
        x = x + W(torch.tanh(W.T(x)))
    return torch.tanh(x)


def trained(space: Space) -> Mapping[str, Tensor]:
    """Outputs and loss after the last step, at width n or in the limit, whatever the space is."""
    optimizer = Adam(learning_rate=0.1, epsilon=0.01, smooth=True)
    *_, last = widthwise.train(space, network, INPUTS, TARGETS, optimizer=optimizer, steps=STEPS)
    return {"output": last.outputs[..., 0], "loss": last.loss}


def main() -> None:
    """Print a line for each width."""
    limit = trained(widthwise.KetSpace(2048, 4))["output"].mean(0)
    print("limit:", *(f"{f:.3f}" for f in limit.tolist()))
    print(f"{'width':>6} {'rms distance':>13}")
    for width, trials in ((32, 64), (128, 32), (512, 8)):
        outputs = trained(widthwise.FiniteSpace(width, trials))["output"]
        print(f"{width:6} {(outputs - limit).square().mean().sqrt().item():13.3f}")


if __name__ == "__main__":
    main()
