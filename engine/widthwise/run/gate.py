"""Gate: which cluster is meant by an address, whether it answers, and whether it opens to anyone."""

import http.client
import ipaddress
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from widthwise.errors import ClusterError, SpecError
from widthwise.run.within import within

OVERRIDES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
"""Variables that Ray's client prefers to any argument, in this order."""
DEFAULT_PORT = 8265
CONNECT_SECONDS = 5.0
"""For each address of a host, and for its answer."""
PATIENCE_SECONDS = 7.0
"""For all of it; a dead name server may take longer than any time-out of a socket."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The HTTP address of a cluster, ``here`` if only this machine is behind it; ``open`` if it asks for no token."""

    url: str
    here: bool
    open: bool


def chosen_address(asked: str | None, environment: Mapping[str, str]) -> tuple[str, str]:
    """The address that Ray's client will use, and who says so: a variable, or ``--address``.

    Raises:
        SpecError: there is none.
    """
    for variable in OVERRIDES:
        if environment.get(variable):
            return environment[variable], variable
    if not asked:
        message = "--address: is missing; give the HTTP address of the cluster's head, for example http://head:8265"
        raise SpecError(message)
    return asked, "--address"


def cluster_url(address: str, source: str) -> str:
    """``http://HOST:PORT`` or ``https://HOST:PORT``.

    Raises:
        SpecError: it is of another form.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    plain = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        shown = address if "@" not in address else f"...@{address.rpartition('@')[2]}"
        message = f"{source}: {shown!r} is not http://HOST:PORT, the dashboard of a cluster, port 8265 by default"
        raise SpecError(message)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def look_at(url: str) -> Gate:
    """Knock without a token.

    Raises:
        ClusterError: nothing answers within `PATIENCE_SECONDS`, or something that is not Ray.
    """
    late = _unreachable(url, f"no answer within {PATIENCE_SECONDS:.0f} s")
    return within(PATIENCE_SECONDS, lambda: Gate(url=url, here=_is_loopback(url), open=_opens(url)), late)


def require_closed(gate: Gate, *, allow_unauthenticated: bool) -> None:
    """Refuse a cluster that everybody on its network can use.

    Raises:
        ClusterError: says how to close it.
    """
    if gate.open and not gate.here and not allow_unauthenticated:
        message = (
            f"{gate.url} answers without a token, and Ray's job API runs any command of whoever reaches it; start its "
            "Ray with RAY_AUTH_MODE=token, or let it listen on loopback only and come through an SSH tunnel "
            "(deploy/README.md); --allow-unauthenticated if nobody else can reach it"
        )
        raise ClusterError(message)


def _opens(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/version", timeout=CONNECT_SECONDS) as answer:
            document = json.load(answer)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        if refusal.code in (401, 403):
            return False
        raise _unreachable(url, f"it answers {refusal.code}") from None
    except ValueError:
        raise _unreachable(url, "what answers there is not Ray") from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, str(getattr(error, "reason", error))) from None
    if not (isinstance(document, dict) and "ray_version" in document):
        raise _unreachable(url, "what answers there is not Ray")
    return True


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _unreachable(url, str(error)) from None
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)


def _unreachable(url: str, reason: str) -> ClusterError:
    return ClusterError(
        f"{url} cannot be used ({reason}); is it the dashboard of a running Ray head, port 8265 by default, "
        "and can this machine reach it?"
    )
