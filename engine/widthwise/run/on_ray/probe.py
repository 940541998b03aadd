"""require_reachable: a cluster is asked for a sign of life first, since Ray waits for minutes where there is none."""

import importlib
import json
import platform
import socket
from collections.abc import Callable
from typing import Any, TypeVar

import ray
from ray.exceptions import AuthenticationError, RayError

from widthwise.errors import ClusterError
from widthwise.run.on_ray.addresses import host_and_port, is_outside
from widthwise.run.within import within

CONNECT_SECONDS = 4.0
"""How long a head may take to accept a connection."""
ANSWER_SECONDS = 8.0
"""How long it may then take to answer."""

T = TypeVar("T")


def require_reachable(address: str) -> None:
    """Refuse a cluster that a driver of this process cannot join, in a few seconds.

    Raises:
        ClusterError: nobody listens or answers there, it is no Ray, another Ray or Python, the token is not the
            cluster's, or no node of it runs on this machine.
    """
    _require_listener(address)
    if is_outside(address):
        _patiently(address, lambda: _greet_client_server(address))
        return
    metadata = _patiently(address, lambda: _greet_head(address))
    _require_same_versions(address, json.loads(metadata) if metadata else {})
    services: Any = importlib.import_module("ray._private.services")
    if not services.find_node_ids():
        message = (
            f"address: no node of {address} runs on this machine, and a driver needs one; start it by "
            f"`ray start --address={address}`, or use ray://HOST:10001 or `widthwise submit`"
        )
        raise ClusterError(message)


def _require_listener(address: str) -> None:
    try:
        socket.create_connection(host_and_port(address), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        message = f"address: nobody listens at {address} ({error}); is the cluster up, and is its port open from here?"
        raise ClusterError(message) from error


def _patiently(address: str, ask: Callable[[], T]) -> T:
    """What a head answers, and what its refusals mean."""
    message = (
        f"address: {address} accepts connections and does not answer within {ANSWER_SECONDS:.0f} s; "
        "is it the port of a Ray head (6379), or with ray:// of its client server (10001)?"
    )
    try:
        return within(ANSWER_SECONDS, ask, ClusterError(message))
    except AuthenticationError as error:
        raise _bad_token(address) from error
    except RayError as error:
        message = f"address: {address} does not answer like a Ray head ({' '.join(str(error).split())[:200]})"
        raise ClusterError(message) from error


def _greet_head(address: str) -> bytes | None:
    raylet: Any = importlib.import_module("ray._raylet")
    head = raylet.GcsClient(address=address)
    found: bytes | None = head.internal_kv_get(b"CLUSTER_METADATA", b"cluster", timeout=ANSWER_SECONDS)
    return found


def _greet_client_server(address: str) -> None:
    try:
        grpc: Any = importlib.import_module("grpc")
    except ModuleNotFoundError as error:
        message = "address: ray:// needs more of Ray; install it by: pip install 'widthwise[cluster]'"
        raise ClusterError(message) from error
    channels: Any = importlib.import_module("ray._private.grpc_utils")
    messages: Any = importlib.import_module("ray.core.generated.ray_client_pb2")
    stubs: Any = importlib.import_module("ray.core.generated.ray_client_pb2_grpc")
    host, port = host_and_port(address)
    channel = channels.init_grpc_channel(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    ping = messages.ClusterInfoRequest(type=messages.ClusterInfoType.PING)
    try:
        stubs.RayletDriverStub(channel).ClusterInfo(ping, timeout=ANSWER_SECONDS, wait_for_ready=True)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNAUTHENTICATED:
            raise _bad_token(address) from error
        message = f"address: {address} does not answer like Ray's client server ({error.code().name})"
        raise ClusterError(message) from error
    finally:
        channel.close()


def _require_same_versions(address: str, metadata: dict[str, str]) -> None:
    own = {"ray_version": ray.__version__, "python_version": platform.python_version()}
    names = {"ray_version": "Ray", "python_version": "Python"}
    other = [
        f"{names[key]} {metadata[key]} there and {version} here"
        for key, version in own.items()
        if metadata.get(key, version) != version
    ]
    if other:
        message = f"address: {address} runs other versions ({', '.join(other)}); install the same on both sides"
        raise ClusterError(message)


def _bad_token(address: str) -> ClusterError:
    message = (
        f"address: {address} refuses the token of this process; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH "
        "(or RAY_AUTH_TOKEN) to the cluster's"
    )
    return ClusterError(message)
