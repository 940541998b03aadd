"""Watch: looks at the nodes again and again, in a thread of its own, so that nobody waits for a slow answer."""

import threading
from collections.abc import Sequence

from ray.exceptions import RayError

from widthwise.run.on_ray.nodes import Node, look

LOOK_SECONDS = 1.0


class Watch:
    """What the cluster consists of, seen once on making and then every `LOOK_SECONDS` until `close`."""

    def __init__(self) -> None:
        self._latest: Sequence[Node] | None = look()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    def news(self) -> Sequence[Node] | None:
        """The nodes, unless they have not been looked at since the last call."""
        latest, self._latest = self._latest, None
        return latest

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join(LOOK_SECONDS)

    def _go_on(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                self._latest = look()
            except (RayError, OSError, RuntimeError):
                continue  # the head does not answer just now; what its silence means, calls of workers will say
