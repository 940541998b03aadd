"""Parts: which blocks of which runs a merged run consists of, and where in it they go."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import count, groupby

from pydantic import JsonValue

from widthwise.errors import IdentityError, SpecError
from widthwise.plan.units import Block, Kind
from widthwise.spec.messages import shown
from widthwise.store.blocks import BlockSet
from widthwise.store.layout import Layout, union
from widthwise.store.record import Run, RunRecord

Offsets = Mapping[int, int]
"""By width, 0 for replicates: what is added to the index of a block."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """``blocks`` of one run, and what their indices grow by."""

    run: Run
    blocks: BlockSet
    offsets: Offsets

    def place(self, block: Block) -> Block:
        """The address of ``block`` in the merged run."""
        return replace(block, index=block.index + self.offsets.get(block.width, 0))


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The record and layout of a merged run, and the parts that it consists of."""

    record: RunRecord
    layout: Layout
    parts: tuple[Part, ...]


def merged(runs: Sequence[Run], complete: Sequence[BlockSet]) -> Merged:
    """Unite runs of one seed by the index of their blocks, and put those of different seeds one after the other.

    Of several seeds only blocks before the first gap count: of each width as many as are complete at all points of the
    sweep, so that trials of equal index at several points go on belonging together, as within one run. What is no
    average (the closed form, rounding errors) is taken from the first run that has it.

    Raises:
        IdentityError: the runs differ in more than their seeds.
        SpecError: a seed is in several of them that were merged before, or nothing is complete.
    """
    _require_alike(runs)
    held = sorted(zip(runs, complete, strict=True), key=lambda pair: _order(runs, pair[0]))
    families = [list(group) for _, group in groupby(held, key=lambda pair: seeds_of(pair[0]))]
    _require_disjoint([seeds_of(family[0][0]) for family in families])
    if len(families) == 1:
        return _one_seed(families[0])
    return _several_seeds(families)


def seeds_of(run: Run) -> tuple[JsonValue, ...]:
    """The seed of a run, or all those of a merged one."""
    seed = run.record.identity_fields.get("seed")
    return tuple(seed) if isinstance(seed, list) else (seed,)


def _one_seed(family: Sequence[tuple[Run, BlockSet]]) -> Merged:
    layout = reduce(union, (run.layout for run, _ in family))
    parts = [Part(run=run, blocks=blocks, offsets={}) for run, blocks in _without_doubles(family)]
    return Merged(record=_record(parts, layout), layout=layout, parts=tuple(parts))


def _several_seeds(families: Sequence[Sequence[tuple[Run, BlockSet]]]) -> Merged:
    first = families[0][0][0].layout
    whole = reduce(union, (run.layout for family in families for run, _ in family))
    offsets: dict[int, int] = {}
    single = BlockSet()
    parts: list[Part] = []
    for family in families:
        own = BlockSet(block for _, blocks in family for block in blocks)
        lengths = {width: _prefix(whole, own, width) for width in (0, *whole.widths)}
        for run, blocks in _without_doubles(family):
            chosen = BlockSet(block for block in blocks if _counts(block, lengths, single))
            parts.append(Part(run=run, blocks=chosen, offsets=dict(offsets)))
        for block in own:
            if block.kind in {"exact", "arithmetic"}:
                single.add(block)
        offsets = {width: offsets.get(width, 0) + length for width, length in lengths.items()}
    widths = tuple(width for width in whole.widths if offsets[width])
    if not widths:
        message = f"{families[0][0][0].path}: no width is complete at all points of the runs; finish them first"
        raise SpecError(message)
    layout = replace(
        first,
        widths=widths,
        trials=tuple(offsets[width] * first.microbatch for width in widths),
        replicates=max(offsets[0], 1) if whole.replicates else 0,
    )
    return Merged(record=_record(parts, layout), layout=layout, parts=tuple(parts))


def _prefix(layout: Layout, blocks: BlockSet, width: int) -> int:
    """How many blocks from index 0 on are complete at every point."""
    kind: Kind = "trials" if width else "limit"
    points = range(layout.points)
    return next(index for index in count() if any(Block(kind, point, width, index) not in blocks for point in points))


def _counts(block: Block, lengths: Mapping[int, int], taken: BlockSet) -> bool:
    if block.kind in {"exact", "arithmetic"}:
        return block not in taken
    return block.index < lengths[block.width]


def _without_doubles(family: Sequence[tuple[Run, BlockSet]]) -> list[tuple[Run, BlockSet]]:
    """Each block with the first run that has it."""
    seen, kept = BlockSet(), []
    for run, blocks in family:
        kept.append((run, BlockSet(block for block in blocks if block not in seen)))
        for block in blocks:
            seen.add(block)
    return kept


def _record(parts: Sequence[Part], layout: Layout) -> RunRecord:
    """That of the first run, with the extent of the whole, all seeds, and what was merged."""
    first = parts[0].run.record
    seeds = list(dict.fromkeys(seed for part in parts for seed in seeds_of(part.run)))
    fields: dict[str, JsonValue] = {**first.identity_fields, "seed": seeds if len(seeds) > 1 else seeds[0]}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    canaries = [canary for part in parts for canary in _canaries(part.run.record) if canary != dict(first.canary)]
    mixed: list[JsonValue] = [canary for index, canary in enumerate(canaries) if canary not in canaries[:index]]
    return replace(
        first,
        spec=_spec(first.spec, layout),
        identity=hashlib.sha256(text.encode()).hexdigest() if len(seeds) > 1 else first.identity,
        identity_fields=fields,
        environment={**first.environment, "mixed": mixed} if mixed else first.environment,
        matrices={width: held for part in parts for width, held in part.run.record.matrices.items()},
        merged=[_said(part) for part in parts],
    )


def _canaries(record: RunRecord) -> list[JsonValue]:
    mixed = record.environment.get("mixed", [])
    return [dict(record.canary), *(mixed if isinstance(mixed, list) else [])]


def _spec(spec: Mapping[str, JsonValue], layout: Layout) -> dict[str, JsonValue]:
    trials = {str(width): trials for width, trials in sorted(zip(layout.widths, layout.trials, strict=True))}
    sweep, limit = spec.get("sweep"), spec.get("limit")
    extent: dict[str, JsonValue] = {"width": list(layout.widths), "trials": dict(trials)}
    changed: dict[str, JsonValue] = {"sweep": {**(sweep if isinstance(sweep, dict) else {}), **extent}}
    if layout.replicates:
        changed["limit"] = {**(limit if isinstance(limit, dict) else {}), "replicates": layout.replicates}
    return {**spec, **changed}


def _said(part: Part) -> dict[str, JsonValue]:
    """What was taken from one run."""
    kinds = [block.kind for block in part.blocks]
    return {
        "run": part.run.path.name,
        "seeds": list(seeds_of(part.run)),
        "identity": part.run.record.identity,
        "created": part.run.record.created,
        "blocks": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
    }


def _order(runs: Sequence[Run], run: Run) -> int:
    """Where the first run of the same seeds stands."""
    return next(place for place, other in enumerate(runs) if seeds_of(other) == seeds_of(run))


def _require_alike(runs: Sequence[Run]) -> None:
    first = runs[0]
    for run in runs[1:]:
        one, two = first.record.identity_fields, run.record.identity_fields
        keys = [key for key in sorted({*one, *two}) if key != "seed" and one.get(key) != two.get(key)]
        keys += [name for name in ("axes", "microbatch", "readouts") if _form(first, name) != _form(run, name)]
        if keys:
            message = f"{run.path} differs from {first.path} in more than its seed: {'; '.join(_told(keys, one, two))}"
            raise IdentityError(message)


def _form(run: Run, name: str) -> object:
    return getattr(run.layout, name)


def _told(keys: Sequence[str], one: Mapping[str, JsonValue], two: Mapping[str, JsonValue]) -> list[str]:
    words = {key: f"{key} ({shown(two[key])}, not {shown(one[key])})" for key in keys if key in one and key in two}
    words |= {"inputs": "inputs (other data; random data are drawn from the seed)"}
    return [words.get(key, key) for key in keys]


def _require_disjoint(families: Sequence[tuple[JsonValue, ...]]) -> None:
    seeds = [seed for family in families for seed in family]
    double = next((seed for index, seed in enumerate(seeds) if seed in seeds[:index]), None)
    if double is not None:
        message = f"seed {double} is in several of the runs, of which one is merged already; merge what it was made of"
        raise SpecError(message)
