"""``widthwise jobs``: the jobs that ``widthwise submit`` started on a cluster."""

import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from rich.table import Table
from typer import Argument, Option

from widthwise.errors import ClusterError, InterruptedRunError
from widthwise_cli.output import messages, print_json, print_result
from widthwise_cli.progress import duration

if TYPE_CHECKING:
    from widthwise.run.on_ray.jobs import ClusterJob, Jobs

Address = Annotated[
    str | None,
    Option(help="The dashboard of the cluster's head, for example http://head:8265.", show_default="RAY_ADDRESS"),
]
Name = Annotated[str, Argument(metavar="JOB", help="As `submit` and `jobs list` print it.")]
Json = Annotated[bool, Option("--json", help="Print the result for machines.")]

app = typer.Typer(help="List, follow and stop the jobs that `submit` started.", no_args_is_help=True)


@app.command("list")
def list_(address: Address = None, json: Json = False) -> None:
    """List the jobs of widthwise on a cluster, the oldest first."""
    jobs, _ = reach(address)
    found = [job for job in jobs.all() if job.name.startswith("widthwise-")]
    if json:
        print_json([_document(job) for job in found])
        return
    table = Table("job", "status", "exit code", "started", "took", "run", box=None, pad_edge=False)
    for job in found:
        table.add_row(*_row(job))
    print_result(table)


@app.command()
def status(name: Name, address: Address = None, json: Json = False) -> None:
    """Say how a job is."""
    jobs, _ = reach(address)
    job = jobs.find(name)
    if json:
        print_json(_document(job))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for label, text in zip(("job", "status", "exit code", "started", "took", "run"), _row(job), strict=True):
        table.add_row(label, text)
    print_result(table)


@app.command()
def logs(
    name: Name,
    address: Address = None,
    follow: Annotated[bool, Option("--follow", help="Go on until the job ends, and end as it ends.")] = False,
) -> None:
    """Print what a job has printed."""
    jobs, url = reach(address)
    if follow:
        follow_to_the_end(jobs, name, url, sys.stdout)
    else:
        print(jobs.log(name), end="")


@app.command()
def stop(name: Name, address: Address = None, json: Json = False) -> None:
    """Stop a job; submitted again it goes on where it was."""
    jobs, _ = reach(address)
    stopped = jobs.stop(name)
    if json:
        print_json(_document(jobs.find(name)))
    else:
        messages.print(f"{name} {'is stopped' if stopped else 'had ended before'}", markup=False)


def reach(address: str | None, *, allow_unauthenticated: bool = False, sends_code: bool = False) -> "tuple[Jobs, str]":
    """Connect to a cluster; gives its URL too.

    Raises:
        SpecError: the address is missing or of another form.
        ClusterError: it cannot be reached, refuses us, or is open to anyone and is to be sent code.
    """
    from widthwise.run import chosen_address, cluster_url, look_at, require_closed

    chosen, source = chosen_address(address, os.environ)
    if address not in (None, chosen):
        messages.print(f"{source}={chosen} is used, not --address {address}", markup=False)
    url = cluster_url(chosen, source)
    gate = look_at(url)
    if sends_code:
        require_closed(gate, allow_unauthenticated=allow_unauthenticated)
    from widthwise.run.on_ray.jobs import Jobs

    return Jobs(url), url


def follow_to_the_end(jobs: "Jobs", name: str, url: str, stream: TextIO) -> None:
    """Print what the job prints to ``stream``; leave with its exit code.

    Raises:
        ClusterError: it could not start.
        InterruptedRunError: it was stopped, or Ctrl-C ended the following, not the job.
    """
    try:
        for text in jobs.follow(name):
            print(text, end="", file=stream, flush=True)
    except KeyboardInterrupt:
        message = (
            f"{name} goes on; follow it again by `widthwise jobs logs {name} --follow --address {url}`, end it by "
            f"`widthwise jobs stop {name} --address {url}`"
        )
        raise InterruptedRunError(message) from None
    _leave_as(jobs.find(name))


def _leave_as(job: "ClusterJob") -> None:
    if job.status == "STOPPED":
        message = f"{job.name} was stopped; submit the same again to go on with what is stored"
        raise InterruptedRunError(message)
    if job.exit_code is None and job.status != "SUCCEEDED":
        message = f"{job.name} could not start: {job.message[:600]}"
        raise ClusterError(message)
    if job.exit_code:
        messages.print(f"{job.name} ended with exit code {job.exit_code}", markup=False)
        raise typer.Exit(job.exit_code if job.exit_code > 0 else 128 - job.exit_code)


def _document(job: "ClusterJob") -> dict[str, object]:
    return {
        "job": job.name,
        "status": job.status,
        "exit_code": job.exit_code,
        "message": job.message,
        "started": job.started,
        "ended": job.ended,
        "out": job.notes.get("out"),
        "widthwise": job.notes.get("widthwise"),
    }


def _row(job: "ClusterJob") -> tuple[str, ...]:
    started = "" if job.started is None else f"{datetime.fromtimestamp(job.started):%Y-%m-%d %H:%M:%S}"
    took = "" if job.started is None or job.ended is None else duration(job.ended - job.started)
    code = "" if job.exit_code is None else str(job.exit_code)
    return job.name, job.status, code, started, took, job.notes.get("out", "")
