"""failure_of: what an error of Ray says about the worker whose call it answers."""

from ray.exceptions import ActorUnschedulableError, OutOfMemoryError, RayActorError, RayError

from widthwise.errors import ClusterError
from widthwise.run.messages import StopAsked, WorkerLost
from widthwise.version import __version__


def failure_of(worker: int, error: RayError, *, node_lives: bool) -> WorkerLost | StopAsked:
    """Blameless where the node went or is going; out of memory where Ray ended a process to save its node.

    The run ends where a worker cannot even be made, because its node has no widthwise.
    """
    if "No module named 'widthwise" in str(error):
        return StopAsked(error=_no_widthwise())
    gone = not node_lives or isinstance(error, ActorUnschedulableError)
    return WorkerLost(
        worker=worker,
        reason="its node is gone" if gone else _reason(error),
        blameless=gone or (isinstance(error, RayActorError) and error.preempted),
        place_gone=gone,
        out_of_memory=isinstance(error, OutOfMemoryError),
    )


def _reason(error: RayError) -> str:
    """The last line of Ray's message, which says why, without its list of guesses."""
    return str(error).strip().splitlines()[-1].split(" Some common causes")[0].strip()


def _no_widthwise() -> ClusterError:
    message = (
        f"a node of the cluster has no widthwise; install widthwise {__version__} on every node, "
        "or let `widthwise submit` bring it"
    )
    return ClusterError(message)
