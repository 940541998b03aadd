"""Jobs: Ray's job API: drivers that run on the head of a cluster, whoever started them and wherever that is."""

import asyncio
import importlib
import logging
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ray.exceptions import AuthenticationError
from ray.job_submission import JobDetails, JobSubmissionClient

from widthwise.errors import ClusterError, SpecError

RECONNECT_SECONDS = 1.0
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


@dataclass(frozen=True, kw_only=True)
class ClusterJob:
    """What Ray knows of one job. ``status`` is PENDING, RUNNING or one of `ENDED`; times are seconds since 1970."""

    name: str
    status: str
    message: str
    exit_code: int | None
    started: float | None
    ended: float | None
    notes: Mapping[str, str]


class Jobs:
    """The jobs of one cluster. Every method raises ClusterError where the cluster or the connection fails."""

    def __init__(self, url: str) -> None:
        """Connect to the dashboard at ``url``; Ray's client finds its token in the environment by itself.

        Raises:
            ClusterError: no connection, a missing or wrong token, or Ray is installed without its job client.
        """
        if find_spec("aiohttp") is None:
            message = (
                "submitting jobs needs more of Ray than running them; install it by: pip install 'widthwise[cluster]'"
            )
            raise ClusterError(message)
        for handler in logging.getLogger("ray").handlers:
            handler.setLevel(logging.WARNING)  # how packages are made and sent is no news of ours
        with _in_our_words(url):
            self._client: Any = JobSubmissionClient(url)
        self._url = url

    def submit(
        self, name: str, *, command: str, directory: Path, pins: Iterable[str], notes: Mapping[str, str]
    ) -> None:
        """Send ``directory`` and start the shell ``command`` in its copy on the head.

        Args:
            name: no job of the cluster has ever had it.
            command: what to run.
            directory: all that the job finds.
            pins: requirements that pip is to install there first.
            notes: kept with the job, readable by everybody who can list it.
        """
        environment: dict[str, object] = {"working_dir": str(directory)}
        if wanted := list(pins):
            environment["pip"] = wanted
        with _in_our_words(self._url):
            self._client.submit_job(
                submission_id=name, entrypoint=command, runtime_env=environment, metadata=dict(notes)
            )

    def all(self) -> list[ClusterJob]:
        """Every job that was ever submitted to the cluster, the oldest first."""
        with _in_our_words(self._url):
            found = [_job(details) for details in self._client.list_jobs() if details.submission_id]
        return sorted(found, key=lambda job: job.started or float("inf"))

    def find(self, name: str) -> ClusterJob:
        """One job.

        Raises:
            SpecError: there is none of this name.
        """
        with _in_our_words(self._url):
            return _job(self._client.get_job_info(name))

    def log(self, name: str) -> str:
        """All that a job has printed."""
        with _in_our_words(self._url):
            return str(self._client.get_job_logs(name))

    def follow(self, name: str) -> Generator[str]:
        """What a job prints, from its beginning to its end; a connection that breaks is made again."""
        given = 0
        while True:
            seen = 0
            for text in self._tail(name):
                fresh = text[max(given - seen, 0) :]
                seen += len(text)
                if fresh:
                    given += len(fresh)
                    yield fresh
            if self.find(name).status in ENDED:
                return
            time.sleep(RECONNECT_SECONDS)

    def stop(self, name: str) -> bool:
        """Ask for the end of a job (SIGTERM, after three seconds SIGKILL) and wait for it; False if it had ended."""
        with _in_our_words(self._url):
            stopped = bool(self._client.stop_job(name))
        while self.find(name).status not in ENDED:
            time.sleep(RECONNECT_SECONDS)
        return stopped

    def _tail(self, name: str) -> Generator[str]:
        """What a job has printed and prints, until it ends or the connection does."""
        texts = self._client.tail_job_logs(name)
        refused: Any = importlib.import_module("aiohttp").ClientError

        async def following() -> str | None:
            return await anext(texts, None)

        with asyncio.Runner() as runner:
            try:
                while (text := runner.run(following())) is not None:
                    yield text
            except (OSError, RuntimeError, refused):
                return
            finally:
                runner.run(texts.aclose())


@contextmanager
def _in_our_words(url: str) -> Generator[None]:
    try:
        yield
    except AuthenticationError:
        message = (
            f"{url} wants a token and does not take ours; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (or "
            "RAY_AUTH_TOKEN_PATH) to those of the cluster"
        )
        raise ClusterError(message) from None
    except (OSError, RuntimeError, ValueError) as error:
        text = " ".join(str(error).split())
        if "status code 404" in text:
            message = f"{url}: there is no such job; `widthwise jobs list` shows those that there are"
            raise SpecError(message) from None
        message = f"{url}: the job API fails ({text[:400]})"
        raise ClusterError(message) from error


def _job(details: JobDetails) -> ClusterJob:
    return ClusterJob(
        name=details.submission_id or "",
        status=str(getattr(details.status, "value", details.status)),
        message=details.message or "",
        exit_code=details.driver_exit_code,
        started=_seconds(details.start_time),
        ended=_seconds(details.end_time),
        notes=details.metadata or {},
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
