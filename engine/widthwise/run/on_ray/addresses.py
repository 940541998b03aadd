"""Addresses: what a user may write for a cluster, and which one that means here."""

import importlib
import os
import re
from typing import Any

from widthwise.errors import ClusterError

_CLIENT = "ray://"
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s/:\[\]]+):\d{1,5}")


def is_cluster(address: str) -> bool:
    """Whether this may be a running cluster: ``auto``, ``HOST:PORT`` of its head, ``ray://HOST:PORT`` from outside."""
    return address == "auto" or _HOST_AND_PORT.fullmatch(address.removeprefix(_CLIENT)) is not None


def is_outside(address: str) -> bool:
    """Whether the driver takes part through Ray's client, without a node of the cluster on its machine."""
    return address.startswith(_CLIENT)


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of an address."""
    host, _, port = address.removeprefix(_CLIENT).rpartition(":")
    return host.strip("[]"), int(port)


def cluster_address(address: str) -> str:
    """The address that is really used: ``auto`` is RAY_ADDRESS, where that is set, else the Ray of this machine.

    Raises:
        ClusterError: no Ray runs here, or RAY_ADDRESS is no address of a cluster.
    """
    if address != "auto":
        return address
    found = os.environ.get("RAY_ADDRESS", "auto")
    if found != "auto":
        if not is_cluster(found):
            message = (
                f"RAY_ADDRESS: {found!r} is no cluster that a driver can join; "
                "set it to HOST:PORT or ray://HOST:PORT, or unset it; an http:// address is for `widthwise submit`"
            )
            raise ClusterError(message)
        return found
    services: Any = importlib.import_module("ray._private.services")
    try:
        return str(services.canonicalize_bootstrap_address("auto"))
    except ConnectionError as error:
        message = (
            "address: 'auto' finds no Ray on this machine; start one by `ray start --head`, "
            "give the address of a cluster, or leave --address out to start one for this run"
        )
        raise ClusterError(message) from error
