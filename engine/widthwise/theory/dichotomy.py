r"""The dynamical dichotomy: a parametrization that trains sensibly learns features or is in the operator regime.

From the exponents of the layers follows, by exact arithmetic, how much training changes the features of layer l,

.. math:: \Theta(n^{-r_{\le l}}), \qquad r_{\le l} = \min_{k \le l} r_k, \qquad r_1 = a_1 + c_1, r_l = a_l + c_l - 1,

whether anything explodes (stable), whether the update function sees numbers of order one (faithful) and whether the
function moves at all (nontrivial). If it is all three, either features of the last layer move, :math:`r_{\le L} = 0`
(feature learning), or the function moves by a fixed operator, :math:`r_{\le L} > 0` (operator regime, of SGD the kernel
regime). Sources: Yang & Littwin 2023 (2308.01814, TP4b), sections 2.2 and 2.8; of SGD Yang & Hu 2020 (2011.14522, TP4),
section 3.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Literal

from widthwise.theory.parametrizations import HALF, Parametrization
from widthwise.theory.update_rules import UpdateRule, effective

Regime = Literal["feature_learning", "operator"]
Claim = Literal["stable at initialisation", "faithful at initialisation", "stable", "faithful", "nontrivial"]
Relation = Literal["=", ">=", "<="]


@dataclass(frozen=True)
class Condition:
    """A requirement on the exponents.

    Attributes:
        name: what it keeps in order.
        claim: what it is needed for.
        left: one side in words, and `left_value` in numbers; r is that of the features of the last layer.
        relation: of the left to the right side.
        source: where it stands.
    """

    name: str
    claim: Claim
    left: str
    left_value: Fraction
    relation: Relation
    right: str
    right_value: Fraction
    source: str

    @property
    def statement(self) -> str:
        """In words."""
        return f"{self.left} {self.relation} {self.right}"

    @property
    def holds(self) -> bool:
        """Decided exactly."""
        left, right = self.left_value, self.right_value
        return {"=": left == right, ">=": left >= right, "<=": left <= right}[self.relation]


@dataclass(frozen=True, kw_only=True)
class Classification:
    """What training with a parametrization does in wide networks, and why.

    Attributes:
        parametrization: as it was given.
        effective: the one whose plain updates have the same sizes; the conditions speak of it.
        conditions: all, also those that fail.
    """

    parametrization: Parametrization
    effective: Parametrization
    conditions: tuple[Condition, ...]

    @property
    def stable_at_initialisation(self) -> bool:
        """Preactivations are of order one, and the function does not explode."""
        return self._hold("stable at initialisation")

    @property
    def faithful_at_initialisation(self) -> bool:
        """Inputs of the update function are of order one; of SGD always true."""
        return self._hold("faithful at initialisation")

    @property
    def stable(self) -> bool:
        """Nothing explodes, at initialisation or after any number of updates."""
        return self.stable_at_initialisation and self._hold("stable")

    @property
    def faithful(self) -> bool:
        """Inputs of the update function stay of order one, as long as it is stable; of SGD always true."""
        return self.faithful_at_initialisation and self._hold("faithful")

    @property
    def nontrivial(self) -> bool:
        """The change of the function does not vanish with the width; if stable, it is of order one."""
        return self._hold("nontrivial")

    @property
    def regime(self) -> Regime | None:
        """Of what is stable, faithful and nontrivial."""
        if not (self.stable and self.faithful and self.nontrivial):
            return None
        return "feature_learning" if self.feature_exponents[-1] == 0 else "operator"

    @property
    def exponents(self) -> tuple[Fraction, ...]:
        """Of each layer r_l: its update changes what it makes of its input by Theta(n^-r_l)."""
        return _reaches(self.effective)

    @property
    def feature_exponents(self) -> tuple[Fraction, ...]:
        """Of each hidden layer r_{<=l}: its features change by Theta(n^-r_{<=l})."""
        return tuple(accumulate(self.exponents[:-1], min))

    @property
    def function_exponent(self) -> Fraction:
        """The function changes by Theta(n^-this), through output weights or through the features that they see."""
        output = self.effective.output
        return min(self.exponents[-1], output.a + output.b + self.feature_exponents[-1] - 1)

    def _hold(self, claim: Claim) -> bool:
        return all(condition.holds for condition in self.conditions if condition.claim == claim)


def classify(parametrization: Parametrization, rule: UpdateRule | None = None) -> Classification:
    """Stable, faithful, nontrivial, and if so feature learning or the operator regime, never both.

    The exponents of what is not stable and faithful are formal: what the same counting of powers gives.

    Args:
        parametrization: the exponents that are used together with the rule.
        rule: what is done with gradients; None for plain updates by an entrywise function.

    Raises:
        SpecError: thresholds of the rule do not fit the depth.

    Source:
        TP4b 2.8; of SGD TP4 3.
    """
    rule = UpdateRule() if rule is None else rule
    plain = effective(parametrization, rule)
    sgd = rule.optimizer == "sgd"
    source = "TP4 3" if sgd else "TP4b 2.8"
    conditions = [*_stable(plain, source), *([] if sgd else _faithful(plain, source)), _nontrivial(plain, source)]
    return Classification(parametrization=parametrization, effective=plain, conditions=tuple(conditions))


def _stable(plain: Parametrization, source: str) -> Iterator[Condition]:
    *before, output = plain.layers
    last = len(before) + 1
    start: Claim = "stable at initialisation"
    for index, layer in enumerate(before, start=1):
        size = Fraction(0) if index == 1 else HALF
        left = f"a_{index} + b_{index}"
        yield Condition(f"preactivations {index}", start, left, layer.a + layer.b, "=", str(size), size, source)
    yield Condition("function", start, f"a_{last} + b_{last}", output.a + output.b, ">=", "1/2", HALF, source)
    features = min(_reaches(plain)[:-1])
    by_weights, by_features = output.a + output.c, output.a + output.b + features
    for name, left, value, bound in (
        ("change of features", "r", features, 0),
        ("change by output weights", f"a_{last} + c_{last}", by_weights, 1),
        ("change by features", f"a_{last} + b_{last} + r", by_features, 1),
    ):
        yield Condition(name, "stable", left, value, ">=", str(bound), Fraction(bound), source)


def _faithful(plain: Parametrization, source: str) -> Iterator[Condition]:
    *before, output = plain.layers
    last = len(before) + 1
    start: Claim = "faithful at initialisation"
    for index, layer in enumerate(before, start=1):
        right = f"a_{last} + b_{last} + a_{index}"
        size = output.a + output.b + layer.a
        yield Condition(f"gradients {index}", start, f"d_{index}", layer.d, "=", right, size, source)
    yield Condition(f"gradients {last}", start, f"d_{last}", output.d, "=", f"a_{last}", output.a, source)
    yield Condition("error signals later", "faithful", f"b_{last}", output.b, "<=", f"c_{last}", output.c, source)


def _nontrivial(plain: Parametrization, source: str) -> Condition:
    """Of an equality for what is stable; what explodes is not trivial either."""
    last = plain.depth + 1
    output = plain.output
    fastest = min(output.a + output.c, output.a + output.b + min(_reaches(plain)[:-1]))
    left = f"min(a_{last} + c_{last}, a_{last} + b_{last} + r)"
    return Condition("change of the function", "nontrivial", left, fastest, "<=", "1", Fraction(1), source)


def _reaches(plain: Parametrization) -> tuple[Fraction, ...]:
    """The exponent r of every layer; correlated sums over the width, in all but the first, gain a factor n."""
    return tuple(layer.a + layer.c - (index > 0) for index, layer in enumerate(plain.layers))
