"""look: the nodes of a cluster as Ray sees them now."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.util.client import ray as client


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node that lives: its resources, all and those that nobody holds; ``leaving`` when it is being drained."""

    id: str
    name: str
    total: Mapping[str, float]
    free: Mapping[str, float]
    leaving: bool = False

    @property
    def bytes(self) -> int:
        """What the processes there may take, by Ray: what it was told, or found, when it started."""
        return int(self.total.get("memory", 0.0))


def look() -> Sequence[Node]:
    """Every node that lives, in the order of their ids."""
    if not client.is_connected():
        return _look()
    return ray.get(ray.remote(num_cpus=0, max_retries=0)(_look).remote())


def lives(node: str) -> bool:
    """Whether a node with this id takes part now."""
    return any(each["NodeID"] == node and each["Alive"] for each in ray.nodes())


def _look() -> Sequence[Node]:
    state: Any = importlib.import_module("ray._private.state").state
    free, leaving = state.available_resources_per_node(), state.get_draining_nodes()
    return [
        Node(
            id=node["NodeID"],
            name=f"{node['NodeManagerHostname']} {node['NodeID'][:8]}",
            total=dict(node["Resources"]),
            free=dict(free.get(node["NodeID"], {})),
            leaving=node["NodeID"] in leaving,
        )
        for node in sorted(ray.nodes(), key=lambda node: str(node["NodeID"]))
        if node["Alive"]
    ]
