"""Rule: everything that decides how the parameters of a network move, and what becomes of it in the limit."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from widthwise.errors import SpecError
from widthwise.theory.dichotomy import Classification, Regime, classify
from widthwise.theory.parametrizations import Parametrization
from widthwise.theory.update_rules import UpdateRule
from widthwise.training.options import OptimizerOptions
from widthwise.training.scaling import Scaling
from widthwise.training.schedules import Constant, Schedule


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How to train: an optimizer, a schedule of its learning rate, a parametrization, constants.

    Attributes:
        optimizer: its options.
        scaling: exponents, or the name of those, and the constants in front of the powers.
        schedule: of the learning rate.
        tuples: how many samples of an index the average of a nonlinear update of kets is over.
    """

    optimizer: OptimizerOptions
    scaling: Scaling = field(default_factory=Scaling)
    schedule: Schedule = field(default_factory=Constant)
    tuples: int = 1024

    def plan(self, matrices: int) -> "Plan":
        """The rule for a network of so many hidden matrices.

        Raises:
            SpecError: exponents are given for another number of layers.
        """
        return Plan(rule=self, asked=self.scaling.exponents(matrices))

    @property
    def is_linear(self) -> bool:
        """Whether all updates are sums of multiples of the gradients."""
        return self.optimizer.is_linear


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A rule with the exponents of every layer of one network."""

    rule: Rule
    asked: Parametrization

    @cached_property
    def classification(self) -> Classification:
        """What theory says of it."""
        return classify(self.asked, UpdateRule(optimizer="sgd" if self.rule.is_linear else "adaptive"))

    @property
    def parametrization(self) -> Parametrization:
        """What is trained with: of a linear optimizer, for which c - d alone matters, that with d that is faithful."""
        return self.classification.effective

    @property
    def signal(self) -> Fraction:
        """Output weights are Theta(n^-this): a + b of the output, or a + c where their updates are larger."""
        output = self.parametrization.output
        return output.a + min(output.b, output.c)

    def limit(self) -> Regime:
        """Which limit there is: that of the kets that move, or that of the operator.

        Raises:
            SpecError: there is none, since training is not stable or not faithful.
        """
        found = self.classification
        if found.stable and found.faithful:
            return "feature_learning" if found.feature_exponents[-1] == 0 else "operator"
        broken = next(each for each in found.conditions if not each.holds)
        message = (
            f"parametrization: has no limit, since {broken.statement} does not hold ({broken.left} is "
            f"{broken.left_value}); choose another, or an experiment without a limit, such as coordinate_check"
        )
        raise SpecError(message)
