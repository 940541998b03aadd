"""run: the units of a plan computed by workers, in this process or by Ray, and written to the run directory."""

from widthwise.run.cutting import cut
from widthwise.run.driver import RunOutcome, execute
from widthwise.run.messages import Quarantine
from widthwise.run.progress import Progress
from widthwise.run.request import Request, request
from widthwise.run.survey import Survey, survey
from widthwise.run.workplace import workers_here

__all__ = [
    "Progress",
    "Quarantine",
    "Request",
    "RunOutcome",
    "Survey",
    "cut",
    "execute",
    "request",
    "survey",
    "workers_here",
]
