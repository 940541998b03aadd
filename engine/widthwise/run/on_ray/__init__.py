"""on_ray: workers as actors of a Ray cluster; the only room that knows Ray."""

from widthwise.run.on_ray.addresses import cluster_address, is_cluster
from widthwise.run.on_ray.connection import connected, places
from widthwise.run.on_ray.executor import RayExecutor
from widthwise.run.on_ray.need import Need, need_of

__all__ = ["Need", "RayExecutor", "cluster_address", "connected", "is_cluster", "need_of", "places"]
