"""Architecture: what every network of ``[model]`` has in common, whatever it does inside."""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

from widthwise.laws.fields import LawName, VectorLawName
from widthwise.sections import Section

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from widthwise.spaces import Space
    from widthwise.theory import Propagation


class Architecture(Section):
    """The parameters of a network that a spec may set. Its program is the module ``home``, loaded when it is run.

    Entries of matrices are of ``law``; input weights, biases, output weights and initial states are vector-like, of
    ``vector_law``. A program names neither. It has two functions, of the section and

    * ``states(network, space, inputs)``: what signals pass through, layer by layer or step by step, tensors (replicate,
      input, ..., coordinate), for constant inputs (input, feature);
    * ``readout(network, state)``: the vectors that output weights are applied to, out of the last state: (replicate,
      input, coordinate), or (replicate, input, position, coordinate) if every position has output weights of its own,
      of the default dimension class;

    and, where all its kets are Gaussian, a third, ``propagation(network, inputs)``: the exact limit, or None.
    """

    summary: ClassVar[str]
    source: ClassVar[str]
    home: ClassVar[str]
    no_tangent_kernel: ClassVar[str] = ""
    """Why it has no neural tangent kernel, if so."""
    shape: ClassVar[frozenset[str]] = frozenset({"name"})

    name: str
    law: LawName = "gaussian"
    vector_law: VectorLawName = "gaussian"

    def __call__(self, space: "Space", inputs: "Tensor") -> "Tensor":
        """Readout vectors for inputs (input, feature).

        Raises:
            SpecError: the features cannot be read as the positions that the network has.
        """
        return self.readout(self.states(space, inputs)[-1])

    def states(self, space: "Space", inputs: "Tensor") -> "list[Tensor]":
        """The states, on a space with the laws of this network."""
        states: list[Tensor] = self._program().states(self, self.initial(space), inputs)
        return states

    def initial(self, space: "Space") -> "Space":
        """The space with the laws of this network."""
        return space.with_laws(matrices=self.law, vectors=self.vector_law)

    def readout(self, state: "Tensor") -> "Tensor":
        """The readout vectors out of the last state."""
        vectors: Tensor = self._program().readout(self, state)
        return vectors

    def propagation(self, inputs: "np.ndarray") -> "Propagation | None":
        """The exact limit for inputs (input, feature); None where not all kets are Gaussian, or a law is not."""
        if self.vector_law != "gaussian" or self.law == "orthogonal":
            return None
        exact = getattr(self._program(), "propagation", None)
        propagation: Propagation | None = exact(self, inputs) if exact else None
        return propagation

    def _program(self) -> ModuleType:
        return importlib.import_module(self.home)
