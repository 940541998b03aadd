"""Two hours of 1,000 workers in half a minute: the coordinator that drives every run, in virtual time.

``python docs/simulation.py`` takes the measured costs of examples/ntk_digits.toml, asks for so many trials and
replicates that 1,000 workers need two hours, and plays their cluster: start-ups, units that take longer or shorter than
predicted, nodes of different speed, units that take ten times as long, workers that die, nodes that are lost with their
8 places and come back, nodes that join late. It prints the utilisation and draws docs/simulation.png.
"""

import heapq
import itertools
import random
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from widthwise.plan import Series, Span
from widthwise.run.coordinator import Coordinator, Limits
from widthwise.run.cutting import LONGEST_SECONDS
from widthwise.run.messages import (
    Assign,
    Event,
    Finish,
    Instruction,
    KillWorker,
    PlaceOffered,
    RestartWorker,
    Tick,
    UnitDone,
    WorkerLost,
    WorkerReady,
)

HERE = Path(__file__).parent
NODE_BYTES = 32 << 30
MEASURED = (
    (Span("trials", 0, 64, 0, 8), 0.000673, 308504),
    (Span("trials", 0, 256, 0, 8), 0.00269, 1211672),
    (Span("trials", 0, 1024, 0, 8), 0.0108, 4824344),
    (Span("trials", 0, 4096, 0, 8), 0.0431, 19275032),
    (Span("trials", 0, 16384, 0, 8), 0.172, 77077784),
    (Span("trials", 0, 65536, 0, 2), 0.689, 77077784),
    (Span("trials", 0, 262144, 0, 1), 2.76, 154148120),
    (Span("trials", 0, 1048576, 0, 1), 11.0, 616570136),
    (Span("limit", 0, 0, 0, 8), 0.444, 154147000),
)
"""Blocks of examples/ntk_digits.toml, seconds and bytes of one, as `calibrate` measured them on one core."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What happens on the cluster; times in seconds."""

    nodes: int = 125
    places: int = 8
    late_nodes: int = 25
    late_by: float = 900.0
    start: float = 30.0
    noise: float = 0.3
    node_noise: float = 0.15
    straggling: float = 0.002
    slower: float = 10.0
    worker_life: float = 8 * 3600.0
    node_life: float = 60 * 3600.0
    node_back: float = 600.0


@dataclass
class Worker:
    """A process: what it has in hand, and what it is in the middle of."""

    ready: bool = False
    queue: deque[Assign] = field(default_factory=deque)
    began: float = 0.0


@dataclass
class Outcome:
    """Seconds of work that counted and that there were, the times of failures, and how many were busy when."""

    seconds: float = 0.0
    counted: float = 0.0
    available: float = 0.0
    units: int = 0
    given_up: int = 0
    deaths: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    busy: list[tuple[float, int, int]] = field(default_factory=list)

    @property
    def utilisation(self) -> float:
        """Work that counted by the time of all places from their offer to their loss or the end."""
        return self.counted / self.available


class Simulation:
    """A cluster in virtual time: things that will happen, the earliest first."""

    def __init__(self, series: list[Series], weather: Weather, seed: int) -> None:
        self.weather = weather
        self.random = random.Random(seed)
        self.outcome = Outcome()
        self.now = 0.0
        self.workers: dict[int, Worker] = {}
        self.nodes: dict[int, tuple[str, float, float]] = {}
        self._next = itertools.count()
        self._places = itertools.count()
        self._agenda: list[tuple[float, int, str, int, object]] = []
        self._done: set[Span] = set()
        self.coordinator = Coordinator(series, workers=weather.nodes * weather.places, limits=Limits())

    def run(self) -> Outcome:
        """Play it to the end."""
        for node in range(self.weather.nodes):
            late = node >= self.weather.nodes - self.weather.late_nodes
            self.later(self.weather.late_by if late else 0.0, "join", node)
        self.later(1.0, "tick", 0)
        self.carry_out(self.coordinator.begin(0.0))
        while not self.coordinator.finished:
            self.now, _, what, who, token = heapq.heappop(self._agenda)
            for event in getattr(self, f"on_{what}")(who, token):
                self.carry_out(self.coordinator.handle(event, self.now))
        for _, offered, _ in self.nodes.values():
            self.outcome.available += self.now - offered
        self.outcome.seconds = self.now
        self.outcome.units = self.coordinator.ledger.done_units
        self.outcome.given_up = len(self.coordinator.ledger.quarantined)
        return self.outcome

    def later(self, seconds: float, what: str, who: int, token: object = None) -> None:
        """Something will happen."""
        heapq.heappush(self._agenda, (self.now + seconds, next(self._next), what, who, token))

    def carry_out(self, instructions: list[Instruction]) -> None:
        """Do what the coordinator says."""
        for each in instructions:
            match each:
                case RestartWorker(worker=place) if place in self.nodes:
                    self.workers[place] = Worker()
                    self.later(
                        self.weather.start * self.random.lognormvariate(0, 0.3), "up", place, self.workers[place]
                    )
                    self.later(
                        self.random.expovariate(1 / self.weather.worker_life), "death", place, self.workers[place]
                    )
                case KillWorker(worker=place):
                    self.workers.pop(place, None)
                case Assign(worker=place) if place in self.workers:
                    self.workers[place].queue.append(each)
                    if len(self.workers[place].queue) == 1:
                        self.begin(place)
                case Finish() if each.error is not None:
                    raise each.error

    def begin(self, place: int) -> None:
        """A worker begins with the first of its units."""
        weather, worker = self.weather, self.workers[place]
        factor = self.random.lognormvariate(0, weather.noise) * self.nodes[place][2]
        if self.random.random() < weather.straggling:
            factor *= weather.slower
        worker.began = self.now
        self.later(worker.queue[0].unit.seconds * factor, "done", place, worker)

    def on_tick(self, _: int, __: object) -> list[Event]:
        """A second has passed."""
        self.later(1.0, "tick", 0)
        if int(self.now) % 5 == 0:
            busy = sum(bool(worker.queue) for worker in self.workers.values())
            self.outcome.busy.append((self.now, busy, len(self.nodes)))
        return [Tick()]

    def on_join(self, node: int, _: object) -> list[Event]:
        """A node offers its places."""
        speed = self.random.lognormvariate(0, self.weather.node_noise)
        places = [next(self._places) for _ in range(self.weather.places)]
        self.nodes |= {place: (f"node{node}", self.now, speed) for place in places}
        self.later(self.random.expovariate(1 / self.weather.node_life), "loss", node, tuple(places))
        return [PlaceOffered(worker=place, node=f"node{node}", node_bytes=NODE_BYTES) for place in places]

    def on_up(self, place: int, worker: object) -> list[Event]:
        """A process has started, unless it is dead by now."""
        if self.workers.get(place) is not worker:
            return []
        self.workers[place].ready = True
        return [WorkerReady(worker=place, canary={})]

    def on_done(self, place: int, worker: object) -> list[Event]:
        """A worker is done with a unit, unless it is dead by now."""
        if self.workers.get(place) is not worker:
            return []
        at = self.workers[place]
        unit, seconds = at.queue.popleft().unit, self.now - at.began
        if unit.span not in self._done:
            self._done.add(unit.span)
            self.outcome.counted += seconds
        if at.queue:
            self.begin(place)
        return [UnitDone(worker=place, unit=unit, seconds=seconds)]

    def on_death(self, place: int, worker: object) -> list[Event]:
        """A worker dies, unless it is dead by now."""
        if self.workers.get(place) is not worker:
            return []
        del self.workers[place]
        self.outcome.deaths.append(self.now)
        return [WorkerLost(worker=place, reason="killed")]

    def on_loss(self, node: int, places: object) -> list[Event]:
        """A node is lost with all of its places; it comes back after a while."""
        assert isinstance(places, tuple)
        self.outcome.losses.append(self.now)
        for place in places:
            self.workers.pop(place, None)
            self.outcome.available += self.now - self.nodes.pop(place)[1]
        self.later(self.weather.node_back, "join", node)
        return [WorkerLost(worker=place, reason="node lost", blameless=True, place_gone=True) for place in places]


def series_of(workers: int, hours: float) -> list[Series]:
    """The units of examples/ntk_digits.toml, its trials and replicates multiplied so that they take so long."""
    total = sum(seconds * span.count for span, seconds, _ in MEASURED)
    more = int(workers * hours * 3600 / total)
    return [
        Series(
            Span(span.kind, 0, span.width, 0, span.count * more), max(1, int(LONGEST_SECONDS / seconds)), seconds, room
        )
        for span, seconds, room in MEASURED
    ]


def draw(outcome: Outcome, path: Path) -> None:
    """Places and busy workers over time, failures marked."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    hours = [time / 3600 for time, _, _ in outcome.busy]
    axes.plot(hours, [places for _, _, places in outcome.busy], color="0.6", label="places on offer")
    axes.plot(hours, [busy for _, busy, _ in outcome.busy], color="C0", label="workers at work")
    for times, marker, color, label in (
        (outcome.deaths, "|", "C1", f"{len(outcome.deaths)} workers died"),
        (outcome.losses, "v", "C3", f"{len(outcome.losses)} nodes lost, 8 places each"),
    ):
        axes.plot(
            [time / 3600 for time in times],
            [20 if marker == "|" else 70] * len(times),
            marker,
            color=color,
            label=label,
        )
    axes.set(xlabel="hours", ylim=(0, None), xlim=(0, None))
    axes.set_title(f"{outcome.units:,} units, utilisation {outcome.utilisation:.1%}", fontsize=10)
    axes.legend(loc="center", frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Simulate, print, draw."""
    weather = Weather()
    outcome = Simulation(series_of(weather.nodes * weather.places, 2.0), weather, seed=0).run()
    print(
        f"{outcome.units:,} units in {outcome.seconds / 3600:.2f} h, {outcome.given_up} given up; "
        f"{len(outcome.deaths)} workers died, {len(outcome.losses)} nodes lost; utilisation {outcome.utilisation:.1%}"
    )
    draw(outcome, HERE / "simulation.png")


if __name__ == "__main__":
    main()
