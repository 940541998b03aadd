"""Closed forms and quadrature, in numpy alone: what the engine's sampled limits are checked against."""

from widthwise.theory.closed_forms import closed_forms
from widthwise.theory.kernels import Dual, mlp_kernels
from widthwise.theory.quadrature import quadrature_dual

__all__ = ["Dual", "closed_forms", "mlp_kernels", "quadrature_dual"]
