"""remeasure: one block of a run once more, in this process, to see what happens."""

import json
from collections.abc import Mapping
from os import PathLike

import numpy as np

from widthwise.plan import Block, Kind, point_inputs
from widthwise.run.threads import torch_threads
from widthwise.run.worker import measure_block
from widthwise.spec import Spec, points
from widthwise.store import RunPath, open_run, run_path


def remeasure(
    path: str | PathLike[str] | RunPath, kind: Kind, point: int, width: int, index: int
) -> Mapping[str, np.ndarray]:
    """The readouts of one block of the run ``path``, stored nowhere; raises what raises while they are measured.

    Args:
        path: the run.
        kind: trials, limit, exact or arithmetic.
        point: flat index of the sweep point.
        width: of trials, else 0.
        index: which microbatch of trials, or replicate of the limit.

    Returns:
        By readout name, float64 (replicates of the block, *readout.shape).
    """
    spec = Spec.model_validate_json(json.dumps(open_run(run_path(path)).record.spec))
    with torch_threads(spec.numerics.threads):
        return measure_block(spec, point_inputs(points(spec)), Block(kind, point, width, index))
