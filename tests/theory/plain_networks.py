"""Exact kernels of an MLP for a given dual, shared by the tests of duals and of the recursion."""

import numpy as np

from widthwise.theory import Dual, Propagation, State, linear_source


def mlp_kernels(
    inputs: np.ndarray, *, depth: int, weight_variance: float, bias_variance: float, dual: Dual
) -> tuple[np.ndarray, np.ndarray]:
    """NNGP and tangent kernel of ``depth`` hidden layers, biases not trained."""
    first = State(source=linear_source(inputs[:, None], weight_variance), bias=bias_variance)
    states = (first, *(State(bias=bias_variance),) * (depth - 1))
    return Propagation(dual=dual, weight_variance=weight_variance, states=states).kernels()
