"""Closed forms, quadrature and exact classification, in numpy and scipy: what sampled limits are checked against."""

from widthwise.theory.closed_forms import closed_forms
from widthwise.theory.dichotomy import Classification, Condition, classify
from widthwise.theory.first_step import FirstStep, first_step
from widthwise.theory.kernels import Dual
from widthwise.theory.matrix_laws import (
    marchenko_pastur_expectation,
    marchenko_pastur_moments,
    marchenko_pastur_quantiles,
    semicircle_expectation,
    semicircle_moments,
    semicircle_quantiles,
)
from widthwise.theory.parametrizations import (
    PRESETS,
    Exponents,
    Parametrization,
    abcd,
    canonical,
    equivalent,
    shifted,
    uniform,
)
from widthwise.theory.phases import (
    chi_1,
    correlation_fixed_point,
    correlation_map,
    critical_weight_variance,
    variance_fixed_point,
)
from widthwise.theory.propagation import Propagation, State, linear_source
from widthwise.theory.quadrature import quadrature_dual
from widthwise.theory.state_evolution import state_evolution
from widthwise.theory.update_rules import UpdateRule, effective, for_normalised
from widthwise.theory.wasserstein import sliced_wasserstein2, wasserstein2

__all__ = [
    "PRESETS",
    "Classification",
    "Condition",
    "Dual",
    "Exponents",
    "FirstStep",
    "Parametrization",
    "Propagation",
    "State",
    "UpdateRule",
    "abcd",
    "canonical",
    "chi_1",
    "classify",
    "closed_forms",
    "correlation_fixed_point",
    "correlation_map",
    "critical_weight_variance",
    "effective",
    "equivalent",
    "first_step",
    "for_normalised",
    "linear_source",
    "marchenko_pastur_expectation",
    "marchenko_pastur_moments",
    "marchenko_pastur_quantiles",
    "quadrature_dual",
    "semicircle_expectation",
    "semicircle_moments",
    "semicircle_quantiles",
    "shifted",
    "sliced_wasserstein2",
    "state_evolution",
    "uniform",
    "variance_fixed_point",
    "wasserstein2",
]
