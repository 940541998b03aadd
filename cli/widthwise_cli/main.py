"""The command: its subcommands, and what an error becomes."""

import os
import sys

import typer

from widthwise.errors import WidthwiseError
from widthwise.version import __version__
from widthwise_cli.catalogue import list_
from widthwise_cli.classify import classify
from widthwise_cli.diagnosis import doctor
from widthwise_cli.execution import run
from widthwise_cli.jobs import app as jobs
from widthwise_cli.merge import merge
from widthwise_cli.results import check, plot, reduce, show
from widthwise_cli.spectrum import spectrum
from widthwise_cli.submission import submit
from widthwise_cli.top import top

app = typer.Typer(
    name="widthwise",
    help="How fast does a wide network approach its infinite-width limit, and what is that limit?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, show, plot, reduce, check, merge, top, classify, spectrum, doctor):
    app.command()(command)
app.command("list")(list_)
app.command()(submit)
app.add_typer(jobs, name="jobs")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"widthwise {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line; an error is one line on stderr and its exit code, a traceback only for those who ask."""
    try:
        app(prog_name="widthwise")
    except WidthwiseError as error:
        _fail(str(error), error.exit_code, error)
    except Exception as error:  # the last resort: whatever else reaches this line is a bug of ours
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        _fail(f"bug: {reason}; WIDTHWISE_DEBUG=1 shows where", WidthwiseError.exit_code, error)


def _fail(message: str, exit_code: int, error: Exception) -> None:
    if os.environ.get("WIDTHWISE_DEBUG") == "1":
        raise error
    print(f"widthwise: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(exit_code)
