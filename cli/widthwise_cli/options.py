"""The arguments that ``run`` and ``submit`` share: what to compute, with how many workers, how precisely."""

from typing import Annotated

from typer import Argument, Option

Source = Annotated[
    str | None,
    Argument(metavar="SPEC|NAME", help="A spec file, or an experiment with all its defaults.", show_default=False),
]
Program = Annotated[
    str | None,
    Option(
        metavar="MODULE:FUNCTION",
        help="A function of a Space of your own that returns named readouts.",
        show_default=False,
    ),
]
Width = Annotated[str | None, Option(help="Widths, for example 64,256,1024.", show_default=False)]
Trials = Annotated[int | None, Option(help="Trials at every width.", show_default=False)]
Changes = Annotated[
    list[str] | None, Option("--set", metavar="KEY=VALUE", help="Change a key of the spec.", show_default=False)
]
Workers = Annotated[int | None, Option(help="At most so many workers.", show_default="what there is room for")]
Shards = Annotated[int, Option(help="So many workers share one replicate of the limit; no number depends on it.")]
GpusPerWorker = Annotated[
    float, Option(help="With numerics.device = cuda: the part of a GPU, and of its memory, that a worker has.")
]
Tolerance = Annotated[
    float | None,
    Option(
        help="Add trials and replicates in rounds until the half width of every interval is at most this; it is "
        "also the relative difference from the limit that counts as none.",
        show_default=False,
    ),
]
Budget = Annotated[
    str | None,
    Option(
        metavar="90s|30m|2h",
        help="Add trials and replicates in rounds, where they shorten intervals most, for so long.",
        show_default=False,
    ),
]
Extend = Annotated[bool, Option("--extend", help="Add widths, trials or replicates to an existing run.")]
