"""run: the units of a plan computed by workers, in this process or by Ray, and written to the run directory."""

from widthwise.run.cutting import cut
from widthwise.run.driver import RunOutcome, execute
from widthwise.run.gate import chosen_address, cluster_url, look_at, require_closed
from widthwise.run.job_names import job_family, members, next_name
from widthwise.run.messages import Quarantine
from widthwise.run.on_ray import cluster_address
from widthwise.run.progress import Progress
from widthwise.run.reproduction import remeasure
from widthwise.run.request import Request, request
from widthwise.run.shipment import SPEC_NAME, modules_of, pack
from widthwise.run.survey import Survey, survey
from widthwise.run.workplace import HERE, require_address, workers_here

__all__ = [
    "HERE",
    "SPEC_NAME",
    "Progress",
    "Quarantine",
    "Request",
    "RunOutcome",
    "Survey",
    "chosen_address",
    "cluster_address",
    "cluster_url",
    "cut",
    "execute",
    "job_family",
    "look_at",
    "members",
    "modules_of",
    "next_name",
    "pack",
    "remeasure",
    "request",
    "require_address",
    "require_closed",
    "survey",
    "workers_here",
]
