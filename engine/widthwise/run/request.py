"""Request: what a spec asks for, worked out before anything is written; and what it means for a run that exists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from widthwise.errors import IdentityError, SpecError
from widthwise.experiments import Experiment, build
from widthwise.plan import Span, holdings, point_inputs, replicates_of, spans, trials_of
from widthwise.run.environment import environment
from widthwise.spec import Identity, Spec, differing, identity, points
from widthwise.store import Axis, Layout, Run, RunRecord, union
from widthwise.version import __version__


@dataclass(frozen=True, kw_only=True)
class Request:
    """A spec with its data loaded. ``exact[point]`` says whether the limit has a closed form there."""

    spec: Spec
    inputs: tuple[np.ndarray, ...]
    exact: tuple[bool, ...]
    identity: Identity
    layout: Layout

    def spans(self) -> list[Span]:
        """Every block that the spec asks for."""
        return spans(self.spec, self.exact)


def request(spec: Spec) -> Request:
    """Load the data of a spec and work out its identity and layout.

    Raises:
        SpecError: a swept value, the data or the program cannot be used.
    """
    resolved = points(spec)
    inputs = point_inputs(resolved)
    experiments = [build(p.spec.experiment, p.spec.tables, x) for p, x in zip(resolved, inputs, strict=True)]
    _require_one_shape(experiments)
    exact = tuple(experiment.exact is not None for experiment in experiments)
    layout = Layout(
        axes=tuple(Axis(name=name, values=tuple(values)) for name, values in spec.sweep.axes.items()),
        widths=spec.sweep.width,
        trials=tuple(trials_of(spec, width) for width in spec.sweep.width),
        microbatch=spec.numerics.microbatch,
        replicates=replicates_of(spec),
        readouts=experiments[0].readouts,
        exact=any(exact),
    )
    return Request(spec=spec, inputs=inputs, exact=exact, identity=identity(spec, inputs), layout=layout)


def _require_one_shape(experiments: Sequence[Experiment]) -> None:
    """Refuse points that measure different things, such as networks with and without biases."""
    first, *others = ([(readout.name, readout.shape) for readout in each.readouts] for each in experiments)
    if any(other != first for other in others):
        message = "sweep: its points have different readouts; write a run for each, since a run has one set of them"
        raise SpecError(message)


def new_record(request: Request, canary: Mapping[str, str]) -> RunRecord:
    """What a new run keeps about the request and the process that makes it."""
    numerics = request.spec.numerics
    return RunRecord(
        widthwise_version=__version__,
        spec=request.spec.model_dump(mode="json"),
        identity=request.identity.hash,
        identity_fields=request.identity.fields,
        canary=dict(canary),
        environment=environment(device=numerics.device, threads=numerics.threads),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        matrices=holdings(request.spec, request.inputs),
    )


def require_fits(request: Request, run: Run, *, extend: bool) -> None:
    """Refuse a run that the request cannot go on with.

    Raises:
        IdentityError: another spec, or without ``extend`` a larger extent; names the keys.
    """
    seeds = run.record.identity_fields.get("seed")
    if isinstance(seeds, list):
        message = (
            f"{run.path} was merged from runs of the seeds {', '.join(map(str, seeds))} and cannot be computed "
            "further; run these and merge them again, or choose another --out"
        )
        raise IdentityError(message)
    differences = differing(run.record.identity_fields, request.identity.fields)
    if differences:
        message = (
            f"{run.path} belongs to another spec ({'; '.join(differences)}); "
            "choose another --out, or --fresh to start over"
        )
        raise IdentityError(message)
    additions = _additions(run.layout, request.layout)
    if additions and not extend:
        message = (
            f"{run.path} was made for less than the spec asks for ({'; '.join(additions)}); "
            "add --extend to compute the rest"
        )
        raise IdentityError(message)


def extended(request: Request, run: Run) -> Request:
    """The request that also asks for everything the run was made for."""
    layout = union(run.layout, request.layout)
    spec = request.spec
    trials = dict(sorted(zip(layout.widths, layout.trials, strict=True)))
    sweep = spec.sweep.model_copy(update={"width": layout.widths, "trials": trials})
    limit = spec.limit.model_copy(update={"replicates": layout.replicates}) if layout.replicates else spec.limit
    return Request(
        spec=spec.model_copy(update={"sweep": sweep, "limit": limit}),
        inputs=request.inputs,
        exact=request.exact,
        identity=request.identity,
        layout=layout,
    )


def _additions(held: Layout, asked: Layout) -> list[str]:
    trials = dict(zip(held.widths, held.trials, strict=True))
    lines = [f"sweep.width: {width} is new" for width in asked.widths if width not in trials]
    lines += [
        f"sweep.trials: {trials[width]} in the run, {wanted} in the spec at width {width}"
        for width, wanted in zip(asked.widths, asked.trials, strict=True)
        if wanted > trials.get(width, wanted)
    ]
    if asked.replicates > held.replicates:
        lines.append(f"limit.replicates: {held.replicates} in the run, {asked.replicates} in the spec")
    return lines
