"""Kernels: how an activation acts on a pair of Gaussians.

Throughout, ``(u, v)`` is a centred Gaussian pair with variances ``k11``, ``k22`` and covariance ``k12``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Kernel: TypeAlias = Callable[[Array, Array, Array], Array]


@dataclass(frozen=True, kw_only=True)
class Dual:
    r"""What an activation does to a Gaussian pair; both functions take ``(k11, k12, k22)``, elementwise, and broadcast.

    ``kernel`` is :math:`E[\phi(u)\phi(v)]`, ``derivative_kernel`` is :math:`E[\phi'(u)\phi'(v)]` (without the point
    masses that a jump of :math:`\phi` would add: automatic differentiation does not see them either).
    """

    kernel: Kernel
    derivative_kernel: Kernel
