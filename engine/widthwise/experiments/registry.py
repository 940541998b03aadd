"""The experiments that a spec can name; their code is loaded when one is built."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from widthwise.experiments.experiment import Experiment
from widthwise.experiments.options import (
    AMP,
    NTK,
    ClippedIdentity,
    Dichotomy,
    DynamicalIsometry,
    FreeIndependence,
    GradientIndependence,
    Interpolation,
    JacobianSpectrum,
    MarchenkoPastur,
    MasterTheorem,
    MeanPooling,
    NoOptions,
    NTKTraining,
    Semicircle,
    SpectrumVsAccuracy,
)
from widthwise.experiments.programs import programs
from widthwise.laws import law
from widthwise.models import MODELS, Architecture
from widthwise.sections import Section
from widthwise.training import OptimizerOptions


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An experiment as ``widthwise list`` shows it.

    ``tables`` are those of `TABLES` that it uses, ``options`` the class of its own table, and ``home`` is the module of
    its function. ``shaped_by`` are keys that decide the shape of its readouts, beside those of tables. ``models`` are
    the architectures that it takes, the first by default; where none is named all, and an MLP. ``defaults`` are what
    its tables hold, by name, where a user writes nothing. One without a ``limit`` measures sizes alone. In the name of
    a readout ``*`` stands for one of several parts of a network. One that ``classifies`` trains networks of a finite
    width in all their entries, outside of the language, on inputs that are followed by their class; no rounding error
    is measured.
    """

    name: str
    summary: str
    assumptions: str
    source: str
    readouts: tuple[tuple[str, str], ...]
    home: str
    tables: frozenset[str] = frozenset()
    options: type[Section] = NoOptions
    shaped_by: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()
    defaults: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    limit: bool = True
    classifies: bool = False


TABLES = ("model", "data", "training", "optimizer", "parametrization", "options")
"""The tables that only some experiments use, in the order in which their functions take them."""

ENTRIES = "independent entries of mean 0 with bounded moments"
NETWORK = "a polynomially bounded activation; an independent readout of mean zero"

TRAINED = f"{ENTRIES}; smooth nonlinearities and update functions, polynomially bounded"
LEARNING = frozenset({"model", "data", "training", "optimizer", "parametrization"})
TRAJECTORY = (
    ("output", "outputs on training, then on test inputs, of several each a component, dimensions (step, input)"),
    ("loss", "mean loss over what is trained on, dimension (step)"),
    ("kernel", "avg(x_i x_j) of the readout vectors, dimensions (step, input, input_)"),
    ("change", "root mean square change of every state since the start, dimensions (step, state)"),
)

MOMENTS = (("first", "after the first step"), ("last", "after the last of several steps"))


def _sizes_at(word: str, when: str) -> tuple[tuple[str, str], ...]:
    """What ``coordinate_check`` measures after a step."""
    return (
        (f"change_*_{word}", f"size of the change of every state and of the readout vectors, {when}"),
        (f"function_{word}", f"size of the change of the outputs, {when}"),
        (f"update_input_*_{word}", f"size of what the update function saw of every parameter, {when}"),
    )


EXPERIMENTS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="nngp",
            summary="kernel of the outputs of a random network against its Gaussian-process limit",
            assumptions=f"{ENTRIES}; a polynomially bounded activation",
            source="TP1 (1910.12478)",
            readouts=(("nngp", "avg(x_i x_j) of the readout vectors, dimensions (input, input_)"),),
            home="widthwise.experiments.kernels",
            tables=frozenset({"model", "data"}),
        ),
        Kind(
            name="ntk",
            summary="neural tangent kernel (and NNGP kernel) of a random network against its limit",
            assumptions=f"{ENTRIES}; a polynomially bounded derivative; an independent readout of mean zero",
            source="TP2 (2006.14548)",
            readouts=(
                ("nngp", "avg(x_i x_j) of the readout vectors, dimensions (input, input_)"),
                ("ntk", "gradient inner products over all weights, biases if asked for, dimensions (input, input_)"),
            ),
            home="widthwise.experiments.kernels",
            tables=frozenset({"model", "data"}),
            options=NTK,
        ),
        Kind(
            name="signal_propagation",
            summary="covariances of signals and of their gradients, state by state, against their limit",
            assumptions=NETWORK,
            source="1606.05340; 1611.01232; TP0 (1902.04760)",
            readouts=(
                ("covariance", "avg(h_i h_j) of every state, mean over positions, dimensions (state, input, input_)"),
                ("gradient", "avg(dh_i dh_j) of error signals, sum over positions, dimensions (state, input, input_)"),
            ),
            home="widthwise.experiments.signal_propagation",
            tables=frozenset({"model", "data"}),
            shaped_by=frozenset({"model.depth", "model.steps", "model.ratios"}),
        ),
        Kind(
            name="recurrent_gradients",
            summary="norms of gradients through time of a recurrent net against their limit",
            assumptions=NETWORK,
            source="TP0 (1902.04760), figure 1",
            readouts=(
                ("gradient", "mean square of the error signals of the state at every step, dimension (step)"),
                ("state", "mean square of the state at every step, dimension (step)"),
            ),
            home="widthwise.experiments.recurrent_gradients",
            tables=frozenset({"model", "data"}),
            shaped_by=frozenset({"model.steps"}),
            models=("lstm", "gru", "rnn"),
        ),
        Kind(
            name="jacobian_spectrum",
            summary="law of the squared singular values of a network's Jacobian, with Lanczos, against its limit",
            assumptions=f"{ENTRIES}, or square orthogonal matrices; a derivative that is polynomially bounded",
            source="TP3 (2009.10685); 2111.00841",
            readouts=(
                (
                    "alpha",
                    "diagonal recurrence coefficients of J^T J, from the first to the last state, dimension (step)",
                ),
                ("beta", "the other recurrence coefficients, dimension (step)"),
                ("moment", "avg(v (J^T J)^k v) / avg(v v) for a random v, dimension (order)"),
                (
                    "freeness",
                    "mixed moments of a matrix and diagonals of its network, 0 in the limit, dimension (word)",
                ),
                ("spectrum", "law of the eigenvalues of J^T J, where there are few enough, dimension (quantile)"),
            ),
            home="widthwise.experiments.jacobian_spectrum",
            tables=frozenset({"model", "data"}),
            options=JacobianSpectrum,
            defaults={"data": {"count": 1}},
        ),
        Kind(
            name="dynamical_isometry",
            summary="mean and spread of the spectrum of a critical MLP's Jacobian, layer by layer",
            assumptions=f"{ENTRIES}, or orthogonal matrices; an activation with a critical weight variance",
            source="1711.04735; PSG (1802.09979)",
            readouts=(
                ("mean", "mean of the squared singular values of dh^l/dh^1, 1 in the limit, dimension (state)"),
                ("spread", "their variance over their squared mean, dimension (state)"),
            ),
            home="widthwise.experiments.dynamical_isometry",
            options=DynamicalIsometry,
        ),
        Kind(
            name="universality",
            summary="a network with matrices or vectors of another law beside its Gaussian twin",
            assumptions=f"{ENTRIES}; the limit is that of Gaussian matrices, and of vectors of that law",
            source="NGTP, theorem 4.1",
            readouts=(
                ("nngp", "avg(x_i x_j) of the readout vectors, dimensions (input, input_)"),
                ("ntk", "gradient inner products over all weights, dimensions (input, input_)"),
                ("nngp_shift", "difference from the twin relative to the twin, dimensions (input, input_)"),
                ("ntk_shift", "difference from the twin relative to the twin, dimensions (input, input_)"),
            ),
            home="widthwise.experiments.universality",
            tables=frozenset({"model", "data"}),
        ),
        Kind(
            name="mup_training",
            summary="a network that learns features against its maximal-update limit, step by step",
            assumptions=TRAINED,
            source="TP4b (2308.01814), 2.7 and 2.9",
            readouts=TRAJECTORY,
            home="widthwise.experiments.training",
            tables=LEARNING,
        ),
        Kind(
            name="ntk_training",
            summary="a network in the neural tangent parametrization against its operator limit, step by step",
            assumptions=TRAINED,
            source="TP4b (2308.01814), 2.4 and 2.9; 1806.07572",
            readouts=(*TRAJECTORY, ("flow", "outputs under gradient flow, if asked for, dimensions (step, input)")),
            home="widthwise.experiments.training",
            tables=LEARNING,
            options=NTKTraining,
            defaults={"parametrization": {"preset": "ntp"}},
        ),
        Kind(
            name="adaptive_limits",
            summary="a ReLU network trained with Adam, step by step, against its limit in either parametrization",
            assumptions=f"{TRAINED}; with ReLU, as in the paper, not smooth",
            source="TP4b (2308.01814), 5",
            readouts=TRAJECTORY[:2],
            home="widthwise.experiments.adaptive_limits",
            tables=LEARNING,
            defaults={
                "model": {"depth": 2, "activation": "relu", "weight_variance": 2.0},
                "data": {"source": "gaussian", "count": 104, "features": 8},
                "training": {"train": 100, "steps": 20},
                "optimizer": {"name": "adam", "learning_rate": 0.1, "epsilon": 1e-3, "smooth": True},
            },
        ),
        Kind(
            name="coordinate_check",
            summary="slopes of sizes in training against predicted powers of the width, in any parametrization",
            assumptions=f"{TRAINED}; of what is not stable an MLP",
            source="TP4b (2308.01814), 2.8; 2203.03466, appendix D",
            readouts=(
                ("state_*", "size of every state before training"),
                ("function_start", "size of the outputs before training"),
                *(entry for word, when in MOMENTS for entry in _sizes_at(word, when)),
            ),
            home="widthwise.experiments.coordinate_check",
            tables=LEARNING,
            shaped_by=frozenset({"model.depth", "model.steps", "model.ratios", "model.bias_variance"}),
            limit=False,
        ),
        Kind(
            name="dichotomy",
            summary="a map of parametrizations: what learns features, what moves the function alone, what explodes",
            assumptions=TRAINED,
            source="TP4b (2308.01814), 2.8",
            readouts=tuple(
                (f"{name}_{word}", f"size of the change of the {what}, {when}")
                for word, when in MOMENTS
                for name, what in (("features", "last state"), ("function", "outputs"))
            ),
            home="widthwise.experiments.dichotomy",
            tables=LEARNING - {"parametrization"},
            options=Dichotomy,
            shaped_by=frozenset({"model.depth"}),
            models=("mlp",),
            limit=False,
        ),
        Kind(
            name="lr_transfer",
            summary="the loss that training ends with, over learning rates and widths: does the best rate stay?",
            assumptions=f"{TRAINED}; the best rate stays where features are learnt, and may drift elsewhere",
            source="Tensor Programs V (2203.03466), figure 1",
            readouts=(("loss", "mean loss, 10 times that at the start where training diverged, dimension (step)"),),
            home="widthwise.experiments.lr_transfer",
            tables=LEARNING,
            limit=False,
        ),
        Kind(
            name="spectrum_vs_accuracy",
            summary="does the Jacobian's spectrum before training tell how well a random architecture will learn?",
            assumptions="none of what is trained; the spectra are those of infinite width, ReLU and Gaussian weights",
            source="FPNN (2111.00841), table 1.1",
            readouts=(
                ("quantile", "log10 of quantiles of the squared singular values that are not 0, dimension (level)"),
                ("atom", "share of the singular values that are 0"),
                ("accuracy", "share of held-out inputs that are told right after training"),
                ("gain", "weight variance relative to the critical one"),
                ("ratio", "width of every hidden layer relative to n, dimension (layer)"),
            ),
            home="widthwise.experiments.spectrum_vs_accuracy",
            tables=frozenset({"data"}),
            options=SpectrumVsAccuracy,
            defaults={"data": {"source": "digits", "count": 1797}},
            limit=False,
            classifies=True,
        ),
        Kind(
            name="clipped_identity",
            summary="a statistic that depends on the law of a vector, and not on that of a matrix",
            assumptions=ENTRIES,
            source="NGTP, section 4 and appendix B",
            readouts=(
                ("vector", "avg(u clip(u)) for u of the law; 0 for Rademacher, 0.03086 for Gaussian coordinates"),
                ("matrix", "avg(h clip(h)) for h = W z, W of the law: 0.03086 for every law"),
            ),
            home="widthwise.experiments.clipped_identity",
            options=ClippedIdentity,
        ),
        Kind(
            name="semicircle",
            summary="moments and eigenvalues of A = (W + W^T) / sqrt 2 against the semicircle law",
            assumptions=ENTRIES,
            source="TP3 (2009.10685)",
            readouts=(
                ("moment", "avg(v A^k v) for a random v, Catalan(k/2) in the limit, dimension (order)"),
                ("spectrum", "law of the eigenvalues of A, at widths that fit, dimension (quantile)"),
            ),
            home="widthwise.experiments.matrix_laws",
            options=Semicircle,
        ),
        Kind(
            name="marchenko_pastur",
            summary="moments and eigenvalues of W W^T against the Marchenko-Pastur law",
            assumptions=ENTRIES,
            source="TP3 (2009.10685)",
            readouts=(
                ("moment", "avg(v (W W^T)^k v) for a random v, Narayana sums in the limit, dimension (order)"),
                ("spectrum", "law of the eigenvalues of W W^T, at widths that fit, dimension (quantile)"),
            ),
            home="widthwise.experiments.matrix_laws",
            options=MarchenkoPastur,
        ),
        Kind(
            name="free_independence",
            summary="whether weight matrices are free from diagonal matrices that are functions of them",
            assumptions=f"{ENTRIES}; a polynomially bounded activation",
            source="TP3 (2009.10685)",
            readouts=(
                ("moment", "alternating centred mixed moments, 0 in the limit, dimension (word)"),
                ("outsider", "the same with a matrix that is no part of the program, dimension (word)"),
            ),
            home="widthwise.experiments.freeness",
            options=FreeIndependence,
        ),
        Kind(
            name="gradient_independence",
            summary="when backpropagation may replace W^T by an independent copy, and when not",
            assumptions=f"{ENTRIES}; the copy is right only for an independent readout of mean zero used nowhere else",
            source="TP0 (1902.04760), sections 5 and 6",
            readouts=(
                ("with_transpose", "avg(z dL/dz) for L = avg(h^2), h = W z: 2 in the limit"),
                ("with_copy", "the same with an independent copy of W^T: 0 in the limit"),
                ("zero_mean_with_transpose", "mean square of the gradient for a readout of mean zero"),
                ("zero_mean_with_copy", "the same with an independent copy of W^T: equal in the limit"),
            ),
            home="widthwise.experiments.gradients",
            options=GradientIndependence,
        ),
        Kind(
            name="mean_pooling",
            summary="gradients of a network whose readout averages, where a copy of W^T is wrong",
            assumptions=f"{ENTRIES}; an activation that is not odd, for the two to differ",
            source="TP0 (1902.04760), section 5",
            readouts=(
                ("with_transpose", "mean square of the gradient of avg(phi(W z))"),
                ("with_copy", "the same with an independent copy of W^T: less in the limit"),
            ),
            home="widthwise.experiments.gradients",
            options=MeanPooling,
        ),
        Kind(
            name="amp",
            summary="effective noise of approximate message passing against its state evolution",
            assumptions=f"{ENTRIES}; a Lipschitz denoiser",
            source="TP0 (1902.04760), appendix D.8",
            readouts=(("tau_squared", "variance of the effective noise at every step, dimension (step)"),),
            home="widthwise.experiments.message_passing",
            options=AMP,
        ),
        Kind(
            name="master_theorem",
            summary="laws of the coordinates of a program's vectors against those of its kets",
            assumptions=f"{ENTRIES}; a polynomially bounded activation",
            source="TP4b (2308.01814)",
            readouts=(
                ("coordinates", "law of the coordinates of each vector, dimensions (vector, quantile)"),
                ("slices", "law of linear combinations of the vectors, dimensions (direction, quantile)"),
            ),
            home="widthwise.experiments.coordinates",
            options=MasterTheorem,
        ),
        Kind(
            name="interpolation",
            summary="rate at which a scalar changes while Gaussian entries turn into those of another law",
            assumptions=f"{ENTRIES}; a smooth activation",
            source="NGTP, section 5.1",
            readouts=(
                ("rate", "dc/dt along cos(pi t/2) A_gaussian + sin(pi t/2) A_law, 0 in the limit, dimension (time)"),
            ),
            home="widthwise.experiments.interpolation",
            options=Interpolation,
        ),
    )
}


def tables_of(name: str) -> frozenset[str]:
    """Which of `TABLES` an experiment uses; a user's program uses none."""
    kind = EXPERIMENTS.get(name)
    if kind is None:
        return frozenset()
    return kind.tables | {"options"} if kind.options.model_fields else kind.tables


def models_of(name: str) -> tuple[str, ...]:
    """The architectures that an experiment takes, the default first."""
    kind = EXPERIMENTS.get(name)
    return kind.models if kind and kind.models else tuple(MODELS)


def shaped_by(name: str) -> frozenset[str]:
    """Keys that decide the shape of the readouts of an experiment, by themselves or because their section says so."""
    kind = EXPERIMENTS.get(name)
    return kind.shaped_by if kind else frozenset()


def defaults_of(name: str, table: str) -> Mapping[str, object]:
    """What a table of an experiment holds where a user writes nothing."""
    kind = EXPERIMENTS.get(name)
    return kind.defaults.get(table, {}) if kind else {}


def has_limit(name: str) -> bool:
    """Whether an experiment has a limit that trials are compared with."""
    return name not in EXPERIMENTS or EXPERIMENTS[name].limit


def classifies(name: str) -> bool:
    """Whether an experiment trains networks outside of the language, on inputs that are followed by their class."""
    return name in EXPERIMENTS and EXPERIMENTS[name].classifies


def options_of(name: str) -> type[Section]:
    """The class of an experiment's options."""
    return EXPERIMENTS[name].options if name in EXPERIMENTS else NoOptions


def draws_entries(name: str, model: Architecture, options: Section) -> bool:
    """Whether trials draw all entries of a matrix: of a program what it did at a small width, else by the law."""
    if name in programs():
        return _experiment_of(name).draws_entries
    of_matrices = model.law if "model" in tables_of(name) else getattr(options, "law", "gaussian")
    return law(of_matrices).family not in ("gaussian", "orthogonal")


def moves_entries(name: str, optimizer: OptimizerOptions) -> bool:
    """Whether trials move all entries of a matrix one by one: of a program likewise, else by the optimizer."""
    if name in programs():
        return _experiment_of(name).moves_entries
    return classifies(name) or ("optimizer" in tables_of(name) and not optimizer.is_linear)


def _experiment_of(program: str) -> Experiment:
    experiment: Experiment = importlib.import_module("widthwise.experiments.program").experiment_of(programs()[program])
    return experiment


def build(name: str, tables: Mapping[str, Section], inputs: np.ndarray) -> Experiment:
    """The experiment ``name``, made from those of `TABLES` that it uses, in their order; a program uses none.

    Args:
        name: of an experiment or a registered program.
        tables: by name, at least those that it uses but ``data``; ``options`` are of the class of the experiment.
        inputs: what ``data`` stands for, constant, shape (input, feature); (input, feature + output) with targets, of
            an experiment that trains.
    """
    if name in programs():
        return _experiment_of(name)
    used = tables_of(name)
    given = {**tables, "data": inputs}
    function = getattr(importlib.import_module(EXPERIMENTS[name].home), name)
    experiment: Experiment = function(*(given[key] for key in TABLES if key in used))
    return experiment
