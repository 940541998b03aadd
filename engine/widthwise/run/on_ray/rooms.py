"""Rooms: which nodes have room for workers of ours; numbers in, numbers out, without Ray."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from widthwise.run.on_ray.need import Need
from widthwise.run.on_ray.nodes import Node


class Rooms:
    """Turns looks at the nodes into groups of ``members`` rooms for one worker each; a group is a place.

    A room is free if nobody else holds it: the cluster may have other users. What Ray says of free resources lags
    behind what starts and ends, so that on a node where we are, only what two looks in a row show is believed, with
    nothing of ours started or ended in between.
    """

    def __init__(self, need: Need, members: int) -> None:
        self._need = need
        self._members = members
        self._spare: dict[str, int] = {}

    def stir(self, nodes: Collection[str]) -> None:
        """Something of ours started or ended there: what was seen before counts no more."""
        for node in nodes:
            self._spare.pop(node, None)

    def find(self, nodes: Sequence[Node], held: Mapping[str, int], silent: Mapping[str, int]) -> list[tuple[str, ...]]:
        """New places, each by the nodes of its members.

        Args:
            nodes: that may be used, as seen now.
            held: by node, how many rooms there are ours.
            silent: by node, in how many of them no worker is up, so that Ray may still call them free.
        """
        before, self._spare = self._spare, {node.id: self._count(node, held, silent) for node in nodes}
        found = {
            node: min(count, before.get(node, 0)) if held.get(node, 0) else count for node, count in self._spare.items()
        }
        groups = self._grouped(found)
        self.stir({node for group in groups for node in group})
        return groups

    def _count(self, node: Node, held: Mapping[str, int], silent: Mapping[str, int]) -> int:
        most = self._need.fit(node.total) - held.get(node.id, 0)
        free = self._need.fit(node.free) - silent.get(node.id, 0)
        return max(min(most, free), 0)

    def _grouped(self, found: Mapping[str, int]) -> list[tuple[str, ...]]:
        """Groups on one node first, a node at a time in turn; then from what is left on several."""
        whole = {node: count // self._members for node, count in found.items()}
        turns = max(whole.values(), default=0)
        groups = [(node,) * self._members for turn in range(turns) for node, count in whole.items() if count > turn]
        rest = [*Counter({node: count % self._members for node, count in found.items()}).elements()]
        groups += [tuple(part) for part in zip(*[iter(rest)] * self._members, strict=False)]
        return groups
