"""What each experiment lets a user choose, besides the tables that several of them share."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from widthwise.laws.fields import LawName, VectorLawName
from widthwise.models import ActivationName
from widthwise.sections import Section
from widthwise.training.scaling import Exponent

Depth = Annotated[int, Field(ge=1, le=64)]
Ratio = Annotated[float, Field(ge=1 / 64, le=64)]


class NoOptions(Section):
    """For experiments that have none."""


class NTK(Section):
    """Of ``ntk``.

    ``biases``: whether they are trained, and count, as weights do.
    """

    biases: bool = False


class NTKTraining(Section):
    """Of ``ntk_training``.

    ``flow``: whether to integrate gradient flow by the initial tangent kernel beside the steps.
    """

    flow: bool = False


class Dichotomy(Section):
    """Of ``dichotomy``.

    ``features``: layers move features by n^-features; below 0 they explode.
    ``output``: output weights move the function by n^-output; below 0 it explodes.
    """

    features: Exponent = "0"
    output: Exponent = "0"


class JacobianSpectrum(Section):
    """Of ``jacobian_spectrum``.

    ``steps``: of Lanczos; so many pairs of recurrence coefficients, which hold twice as many moments.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"steps"})

    steps: Depth = 6


class DynamicalIsometry(Section):
    """Of ``dynamical_isometry``.

    ``law``: of the entries of the matrices.
    ``activation``: between the layers.
    ``bias_variance``: of the biases; that of the weights is the critical one.
    ``depth``: number of layers; spectra are those of the Jacobians between the first one and each of the others.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"depth"})

    law: LawName = "gaussian"
    activation: ActivationName = "tanh"
    bias_variance: Annotated[float, Field(ge=0, le=1e6)] = 0.05
    depth: Annotated[int, Field(ge=2, le=64)] = 8


class SpectrumVsAccuracy(Section):
    """Of ``spectrum_vs_accuracy``.

    ``depth``: number of hidden layers.
    ``epochs``: how often training sees every input.
    ``batch``: so many inputs a step.
    ``learning_rate``: of the steps.
    ``held_out``: share of the inputs, the last ones, that accuracy is measured on.
    ``labels``: the array of labels inside of data.path; where it is left out, the last column of the inputs.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"depth"})

    depth: Depth = 4
    epochs: Annotated[int, Field(ge=1, le=4096)] = 50
    batch: Annotated[int, Field(ge=1, le=4096)] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1e6)] = 1e-3
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.2
    labels: str | None = None


class ClippedIdentity(Section):
    """Of ``clipped_identity``.

    ``law``: of the coordinates of u and of the entries of W.
    ``delta``: the clip is smoothed with a Gaussian of this standard deviation; 0 leaves its jumps.
    """

    law: VectorLawName = "rademacher"
    delta: Annotated[float, Field(ge=0, le=100)] = 0.0


class Semicircle(Section):
    """Of ``semicircle``.

    ``law``: of the entries of W.
    ``orders``: the moments are those of order 1 to this one.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"orders"})

    law: LawName = "gaussian"
    orders: Annotated[int, Field(ge=1, le=32)] = 14


class MarchenkoPastur(Section):
    """Of ``marchenko_pastur``.

    ``law``: of the entries of W.
    ``ratio``: rows of W for each column.
    ``orders``: the moments are those of order 1 to this one.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"orders"})

    law: LawName = "gaussian"
    ratio: Ratio = 1.0
    orders: Annotated[int, Field(ge=1, le=16)] = 6


class FreeIndependence(Section):
    """Of ``free_independence``.

    ``law``: of the entries of W.
    ``activation``: what makes the diagonal matrices out of vectors of the program.
    """

    law: LawName = "gaussian"
    activation: ActivationName = "tanh"


class GradientIndependence(Section):
    """Of ``gradient_independence``.

    ``law``: of the entries of W.
    ``activation``: of the network whose readout has mean zero.
    """

    law: LawName = "gaussian"
    activation: ActivationName = "tanh"


class MeanPooling(Section):
    """Of ``mean_pooling``.

    ``law``: of the entries of W.
    ``activation``: of the coordinates that are averaged.
    """

    law: LawName = "gaussian"
    activation: ActivationName = "gelu"


class AMP(Section):
    """Of ``amp``.

    ``law``: of the entries of A.
    ``delta``: rows of A, the measurements, for each column.
    ``noise_variance``: of the noise on every measurement.
    ``density``: fraction of the entries of the signal that are not zero.
    ``denoiser``: the function applied to every entry of an estimate.
    ``threshold``: of the denoiser soft_threshold, in units of the effective noise; tanh has none.
    ``steps``: number of iterations.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"steps"})

    law: LawName = "gaussian"
    delta: Ratio = 0.5
    noise_variance: Annotated[float, Field(ge=0, le=1e6)] = 0.01
    density: Annotated[float, Field(ge=1e-6, le=1)] = 0.1
    denoiser: Literal["soft_threshold", "tanh"] = "soft_threshold"
    threshold: Annotated[float, Field(gt=0, le=1e6)] = 1.5
    steps: Depth = 8


class MasterTheorem(Section):
    """Of ``master_theorem``.

    ``law``: of the entries of the matrices.
    ``program``: a network with a matrix for each layer, one with a single matrix, or a power iteration.
    ``depth``: number of layers, or of multiplications.
    ``activation``: between the layers.
    ``quantiles``: number of quantiles of every law of coordinates.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"program", "depth", "quantiles"})

    law: LawName = "gaussian"
    program: Literal["mlp", "tied", "power"] = "mlp"
    depth: Depth = 3
    activation: ActivationName = "tanh"
    quantiles: Literal[64, 128, 256, 512, 1024, 2048, 4096] = 1024


class Interpolation(Section):
    """Of ``interpolation``.

    ``law``: of the entries that the Gaussian ones turn into.
    ``program``: a network with a matrix for each layer, or one with a single matrix.
    ``depth``: number of layers.
    ``activation``: between the layers.
    ``times``: number of evenly spaced times from 0 (Gaussian) to 1.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"times"})

    law: LawName = "rademacher"
    program: Literal["mlp", "tied"] = "mlp"
    depth: Depth = 3
    activation: ActivationName = "tanh"
    times: Annotated[int, Field(ge=2, le=65)] = 9
