"""``widthwise spectrum``: the limiting spectrum of the Jacobian of a multilayer perceptron, at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from typer import Option

from widthwise.errors import SpecError
from widthwise_cli.output import print_json, print_result

if TYPE_CHECKING:
    from widthwise.models.jacobian import Fan
    from widthwise.theory.free.chain import WeightLaw


def spectrum(
    depth: Annotated[int, Option(help="Layers, each a matrix and an activation.")] = 4,
    activation: Annotated[str, Option(help="See `widthwise list` for names.")] = "tanh",
    weight_variance: Annotated[
        str, Option(help="Of a weight times its fan; a list has one for each layer.", show_default=True)
    ] = "1",
    bias_variance: Annotated[str, Option(help="Of a bias; a list has one for each layer.")] = "0",
    widths: Annotated[
        str | None, Option(help="Of input and layers up to a common factor, a list.", show_default="all equal")
    ] = None,
    weights: Annotated[str, Option(help="iid (independent entries of any law) or orthogonal.")] = "iid",
    fan: Annotated[str, Option(help="in: variance over the width before a layer; out: over that after it.")] = "in",
    norm: Annotated[float, Option(help="Mean square of the coordinates of the input.")] = 1.0,
    out: Annotated[
        Path | None, Option("--out", "-o", help="Draw the law to a .png, .pdf or .svg file.", show_default=False)
    ] = None,
    json: Annotated[bool, Option("--json", help="Print the result for machines.")] = False,
) -> None:
    """Say what the singular values of the input-output Jacobian of an infinitely wide network are.

    J = D_L W_L ... D_1 W_1 with the slopes of the activation on the diagonal of D. Values are those of J^T J, squared
    singular values, by free probability (2111.00841).

    widthwise spectrum --depth 4 --activation tanh --weight-variance 1.5

    widthwise spectrum --activation relu --weight-variance 2 --widths 1,2,1,1,1 -o relu.png

    widthwise spectrum --depth 32 --activation hard_tanh --weights orthogonal --weight-variance 1.05 --json
    """
    from widthwise.models import activation_names
    from widthwise.models.jacobian import network_chain
    from widthwise.report.spectrum_document import spectrum_document, spectrum_lines, spectrum_table
    from widthwise.theory.free import spectrum as law_of

    _require("--activation", activation, tuple(activation_names()))
    _require("--weights", weights, ("iid", "orthogonal"))
    _require("--fan", fan, ("in", "out"))
    law = law_of(
        network_chain(
            depth,
            activation,
            _numbers("--weight-variance", weight_variance),
            _numbers("--bias-variance", bias_variance),
            widths=None if widths is None else _list("--widths", widths),
            weight_law=cast("WeightLaw", weights),
            norm=norm,
            fan=cast("Fan", fan),
        )
    )
    words = f"{depth} {activation} layer{'s' if depth > 1 else ''}, {weights} weights of variance {weight_variance}"
    if out is not None:
        from widthwise.report.spectrum_drawing import draw_spectrum

        draw_spectrum(law, f"Jacobian of {words}", out)
    if json:
        print_json(spectrum_document(law))
        return
    print_result(f"Jacobian of {words} (fan-{fan}): eigenvalues of J^T J")
    print_result("")
    print_result(spectrum_table(law))
    print_result("")
    for line in spectrum_lines(law):
        print_result(line)
    if out is not None:
        print(out)


def _require(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"{key}: {value!r} is not known; allowed: {', '.join(allowed)}"
        raise SpecError(message)


def _numbers(key: str, text: str) -> float | list[float]:
    """One number, or a list."""
    numbers = _list(key, text)
    return numbers[0] if len(numbers) == 1 else numbers


def _list(key: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        message = f"{key}: {text!r} is not allowed; give a number, or numbers separated by commas"
        raise SpecError(message) from None
