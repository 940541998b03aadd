"""A network in training, by plain torch: weights as leaves, products as matrix products, torch.optim for the steps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from widthwise.spaces import FiniteSpace, Holding, Matrix, Space
from widthwise.theory.parametrizations import Exponents
from widthwise.training.lesson import Lesson
from widthwise.training.loop import train
from widthwise.training.network import Network, Signals
from widthwise.training.rule import Rule

Make = Callable[[Sequence[Tensor]], torch.optim.Optimizer]


@dataclass(eq=False)
class Weight:
    r"""A weight :math:`W = \alpha n^{-a} w` with its powers and constants as numbers."""

    w: Tensor
    front: float
    rate: float
    gradient: float


class Dense:
    """A matrix of a program that is one: `W(x)`, `W.T(x)`."""

    def __init__(self, entries: Tensor) -> None:
        self._entries = entries

    def __call__(self, x: Tensor) -> Tensor:
        flat = x.reshape(len(x), -1, x.shape[-1]) @ self._entries.mT
        return flat.reshape(*x.shape[:-1], flat.shape[-1])

    @property
    def T(self) -> "Dense":
        return Dense(self._entries.mT)


class Twin:
    """The network of a rehearsal, its initial weights read off it entry by entry."""

    def __init__(self, space: Space, network: Network, lesson: Lesson, rule: Rule) -> None:
        """``space`` is one that the network has been run on before its first step."""
        self._space, self._network, self._lesson, self._rule = space, network, lesson, rule
        n = space.coordinates
        again = space.again(lambda index, matrix: matrix)
        readout = network(again, lesson.inputs).readout
        self._positions = readout.shape[2] if readout.ndim == 4 else 1
        outputs = lesson.targets.shape[1]
        drawn = again.vectors(outputs * self._positions).reshape(len(readout), outputs, -1)
        matrices = again.matrices
        layers = rule.scaling.exponents(sum(matrix.kind == "matrix" for matrix in matrices))
        hidden = iter(layers.hidden)
        self.weights = [
            self._weight(
                _kind(matrix),
                layers.input if matrix.kind == "vector" else next(hidden),
                (matrix.variance * (n if matrix.kind == "matrix" else 1) / matrix.columns.size) ** 0.5,
                again.entries(matrix) * (matrix.columns.size / matrix.variance) ** 0.5,
            )
            for matrix in matrices
        ]
        self.weights.append(self._weight("output", layers.output, self._positions**-0.5, drawn))

    def _weight(self, kind: str, layer: Exponents, alpha: float, drawn: Tensor) -> Weight:
        n, scaling = self._space.coordinates, self._rule.scaling
        multiplier, initial, rate, gradient = (
            getattr(each, kind) for each in (scaling.multiplier, scaling.initial, scaling.rate, scaling.gradient)
        )
        return Weight(
            w=(initial * n ** -float(layer.b) * drawn).requires_grad_(),
            front=alpha * multiplier * n ** -float(layer.a),
            rate=rate * n ** -float(layer.c),
            gradient=gradient * n ** float(layer.d),
        )

    def outputs(self) -> Tensor:
        """Of all inputs, (replicate, input, output)."""
        *matrices, last = self.weights

        def dense(index: int, _: Matrix) -> Matrix:
            return Dense(matrices[index].front * matrices[index].w)  # type: ignore[return-value]

        signals = self._network(self._space.again(dense), self._lesson.inputs)
        return signals.readout.flatten(2) @ (last.front * last.w).mT

    def trained(self, make: Make) -> Iterator[Tensor]:
        """Outputs before every step and after the last, by an optimizer of torch."""
        twins = [make([each.w]) for each in self.weights]
        rates = [group["lr"] for twin in twins for group in twin.param_groups]
        initial = 0.0
        for t in range(self._lesson.steps + 1):
            outputs = self.outputs()
            initial = outputs.detach() if t == 0 and self._lesson.centred else initial
            yield (outputs - initial).detach()
            chosen = self._lesson.chosen(t)
            loss = self._lesson.loss((outputs - initial)[:, chosen], self._lesson.targets[chosen].expand(1, -1, -1))
            gradients = torch.autograd.grad(loss.mean(1).sum(), [each.w for each in self.weights], allow_unused=True)
            for each, twin, rate, gradient in zip(self.weights, twins, rates, gradients, strict=True):
                each.w.grad = each.gradient * (torch.zeros_like(each.w) if gradient is None else gradient)
                (group,) = twin.param_groups
                group["lr"] = rate * each.rate * self._rule.schedule(t)
                if "weight_decay" in group:
                    group["weight_decay"] = self._rule.optimizer.weight_decay / each.rate
                twin.step()


def _kind(matrix: Matrix) -> str:
    return ("bias" if matrix.is_bias else "input") if matrix.kind == "vector" else "hidden"


def both(
    network: Network,
    lesson: Lesson,
    rule: Rule,
    make: Make,
    *,
    width: int = 8,
    trials: int = 2,
    held: Holding = "auto",
) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs at every step of the training loop, and of its twin, in float64."""
    spaces: list[Space] = []

    def watched(space: Space, inputs: Tensor) -> Signals:
        spaces.append(space)
        return network(space, inputs)

    loop = train(FiniteSpace(width, trials, dtype=torch.float64, seed=5, matrix=held), watched, lesson, rule)
    first = next(loop).outputs
    twin = Twin(spaces[1], network, lesson, rule)  # spaces[0] is that of a look at what the network is made of
    theirs = list(twin.trained(make))
    return [first, *(moment.outputs for moment in loop)], theirs
