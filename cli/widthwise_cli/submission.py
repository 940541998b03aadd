"""``widthwise submit``: a run as a job of a cluster."""

import hashlib
import json as json_
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from widthwise.errors import SpecError, StorageError
from widthwise.version import __version__
from widthwise_cli.arrival import EXACT, PACKAGES_NAME, PRESENT, demands, versions
from widthwise_cli.durations import seconds_of
from widthwise_cli.jobs import Address, follow_to_the_end, reach
from widthwise_cli.options import (
    Budget,
    Changes,
    Extend,
    GpusPerWorker,
    Program,
    Shards,
    Source,
    Tolerance,
    Trials,
    Width,
    Workers,
)
from widthwise_cli.output import messages, print_json
from widthwise_cli.programs import register
from widthwise_cli.sources import changes, place, read_spec

if TYPE_CHECKING:
    from widthwise.run.on_ray.jobs import Jobs
    from widthwise.spec import Spec

RUNNING = ("PENDING", "RUNNING")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to run: ``family`` names its jobs, ``command`` is the shell command of one, ``note`` a hash of it all."""

    family: str
    command: str
    note: str


def submit(
    source: Source = None,
    address: Address = None,
    out: Annotated[
        str | None,
        Option(help="Where the cluster writes the run: a URL, or a path that all its nodes share.", show_default=False),
    ] = None,
    follow: Annotated[bool, Option("--follow", help="Print what the job prints, and end as it ends.")] = False,
    program: Program = None,
    width: Width = None,
    trials: Trials = None,
    set_: Changes = None,
    workers: Workers = None,
    shards: Shards = 1,
    gpus_per_worker: GpusPerWorker = 1.0,
    tolerance: Tolerance = None,
    budget: Budget = None,
    extend: Extend = False,
    allow_mixed: Annotated[
        bool, Option("--allow-mixed", help="Take other versions of packages, and go on with a run of others.")
    ] = False,
    install: Annotated[bool, Option("--install", help="Let the cluster install the packages of this machine.")] = False,
    allow_unauthenticated: Annotated[
        bool, Option("--allow-unauthenticated", help="Use a cluster that asks for no token.")
    ] = False,
    json: Annotated[bool, Option("--json", help="Print the result for machines.")] = False,
) -> None:
    """Let a Ray cluster compute a run: a job that resumes what is there, however often it is submitted.

    widthwise submit ntk.toml --address http://head:8265 --out s3://bucket/ntk.run --follow
    """
    from widthwise.run import require_address

    target = _target(out)
    spec = read_spec(
        source,
        changes(width=width, trials=trials, tolerance=tolerance, others=set_ or []),
        program=None if program is None else register(program),
    )
    require_address("auto", workers, shards, gpus_per_worker)
    if budget is not None:
        seconds_of(budget)
    options = _options(
        {
            "--program": program,
            "--workers": workers,
            "--shards": None if shards == 1 else shards,
            "--gpus-per-worker": None if gpus_per_worker == 1 else gpus_per_worker,
            "--tolerance": tolerance,
            "--budget": budget,
        },
        {"--extend": extend, "--allow-mixed": allow_mixed},
    )
    with tempfile.TemporaryDirectory(prefix="widthwise-") as temporary:
        directory = Path(temporary)
        here = versions((*EXACT, *PRESENT, *(("scikit-learn",) if spec.data.source == "digits" else ())))
        _pack(directory, spec, program)
        (directory / PACKAGES_NAME).write_text(json_.dumps(demands(here, exact=not allow_mixed)), encoding="utf-8")
        order = _order(directory, spec, target, options)
        jobs, url = reach(address, allow_unauthenticated=allow_unauthenticated, sends_code=True)
        pins = [f"{package}=={version}" for package, version in here.items()] if install else []
        name, new = _submit(jobs, order, directory, pins, target)
    if json:
        print_json({"job": name, "address": url, "out": target, "submitted": new})
    else:
        print(name)
    if follow:
        follow_to_the_end(jobs, name, url, sys.stderr if json else sys.stdout)
    else:
        messages.print(f"follow it: widthwise jobs logs {name} --follow --address {url}", markup=False)


def _target(out: str | None) -> str:
    if out is None or out.startswith("memory://") or not ("://" in out or out.startswith("/")):
        message = (
            f"--out {out or 'is missing'}: a job's own directory is gone when it ends; give a URL such as "
            "s3://bucket/NAME.run, or an absolute path that every node of the cluster sees"
        )
        raise SpecError(message)
    return str(place(out))


def _options(values: dict[str, object], flags: dict[str, bool]) -> list[str]:
    """Options of ``run`` that were given here."""
    given = [f"{name}={value}" for name, value in values.items() if value is not None]
    return [*given, *(name for name, on in flags.items() if on)]


def _pack(directory: Path, spec: "Spec", program: str | None) -> None:
    import widthwise
    import widthwise_cli
    from widthwise.run import modules_of, pack

    found = [] if program is None else modules_of(*_home(program))
    packages = [Path(str(module.__file__)).parent for module in (widthwise, widthwise_cli)]
    pack(directory, spec, packages=packages, modules=found)


def _home(program: str) -> tuple[str, Path]:
    """The module of a program, and the directory in which its import begins."""
    module = program.partition(":")[0]
    file = Path(str(sys.modules[module].__file__))
    depth = len(module.split(".")) - (file.name != "__init__.py")
    return module, file.parents[depth]


def _order(directory: Path, spec: "Spec", target: str, options: Sequence[str]) -> Order:
    """Checks the data and the program too: what cannot run is not sent."""
    from widthwise.run import SPEC_NAME, job_family, request

    run = ["python", "-m", "widthwise", "run", SPEC_NAME, "--address", "auto", "--out", target, *options]
    command = f"python -m widthwise_cli.arrival && exec {shlex.join(run)}"
    asked = request(spec)
    note = "\n".join([asked.identity.hash, (directory / SPEC_NAME).read_text(encoding="utf-8"), command])
    family = job_family(asked.identity.hash, target)
    return Order(family=family, command=command, note=hashlib.sha256(note.encode()).hexdigest())


def _submit(jobs: "Jobs", order: Order, directory: Path, pins: Sequence[str], target: str) -> tuple[str, bool]:
    """The name of the job that computes the run, and whether it is a new one."""
    from widthwise.run import members, next_name

    known = {job.name: job for job in jobs.all()}
    running = [known[name] for name in members(order.family, known) if known[name].status in RUNNING]
    if running and running[-1].notes.get("order") != order.note:
        message = (
            f"{running[-1].name}: runs {target} with another extent or other options; wait for its end, or "
            f"`widthwise jobs stop {running[-1].name}` first"
        )
        raise StorageError(message)
    if running:
        messages.print(f"{running[-1].name} is computing this run already", markup=False)
        return running[-1].name, False
    name = next_name(order.family, known)
    notes = {"out": target, "order": order.note, "widthwise": __version__}
    jobs.submit(name, command=order.command, directory=directory, pins=pins, notes=notes)
    return name, True
