"""A Ray head of our own on loopback that demands a token, and the command called in another process."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_COMMANDS = """
import contextlib, io, json, os, sys
from widthwise_cli.main import main

paths = list(sys.path)
for line in sys.stdin:
    directory, *arguments = json.loads(line)
    os.chdir(directory)
    sys.argv, sys.path[:] = ["widthwise", *arguments], paths
    for module in ("mine", "second_file"):
        sys.modules.pop(module, None)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""

Answer = tuple[int, str, str]


@dataclass(frozen=True, kw_only=True)
class Head:
    """``environment`` is that of a process which may use the cluster."""

    url: str
    environment: Mapping[str, str]

    @contextmanager
    def commands(self, directory: Path, **environment: str) -> Generator[Callable[..., Answer]]:
        """Run commands in one other process, since importing takes seconds: exit code, stdout and stderr of each."""
        with subprocess.Popen(
            [sys.executable, "-c", _COMMANDS],
            env={**self.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            stdin, stdout = process.stdin, process.stdout

            def call(*command: str) -> Answer:
                stdin.write(json.dumps([str(directory), *command, "--address", self.url]) + "\n")
                stdin.flush()
                code, out, err = json.loads(stdout.readline())
                return code, out, err

            yield call
            stdin.close()


@contextmanager
def ray_head() -> Generator[Head]:
    """A head with two CPUs; everything that it starts ends with it."""
    directory = tempfile.mkdtemp(prefix="wwh-", dir="/tmp")
    dashboard, client, agent = _free_ports(3)
    environment = _environment()
    command = ["ray", "start", "--head", "--block", "--port=0", "--num-cpus=2", f"--temp-dir={directory}"]
    command += ["--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", f"--ray-client-server-port={client}"]
    command += [f"--dashboard-agent-listen-port={agent}", "--object-store-memory=100000000"]
    url = f"http://127.0.0.1:{dashboard}"
    with (Path(directory) / "head.log").open("w") as log:
        head = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_it_asks_for_a_token(url, head)
            yield Head(url=url, environment=environment)
        finally:
            if head.poll() is not None:
                print((Path(directory) / "head.log").read_text())
            _end(head, environment["RAY_AUTH_TOKEN"])
    shutil.rmtree(directory, ignore_errors=True)


def _end(head: "subprocess.Popen[bytes]", token: str) -> None:
    """Whatever still has the token of this head in its environment was started by it, and ends now."""
    head.terminate()
    with suppress(subprocess.TimeoutExpired):
        head.wait(timeout=10)
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(process.name) != os.getpid() and token.encode() in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
    head.wait()


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # with 0 everything listens on loopback only
    }


def _free_ports(count: int) -> list[int]:
    """Below those that the system hands out by itself, some of which a neighbour's Ray would have taken by then."""
    found: list[int] = []
    while len(found) < count:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            found.append(port)
    return found


def _wait_until_it_asks_for_a_token(url: str, head: "subprocess.Popen[bytes]") -> None:
    for _ in range(1800):
        try:
            urllib.request.urlopen(f"{url}/api/version", timeout=5).close()
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return
        except OSError:
            assert head.poll() is None, "Ray did not start"
            time.sleep(0.1)
    message = "Ray did not start in three minutes"
    raise TimeoutError(message)
