"""Shipment: the directory that a job on a cluster runs in: the spec, its data, the user's modules, our own source."""

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from modulefinder import ModuleFinder
from pathlib import Path

from widthwise.documents import MAX_BYTES
from widthwise.errors import SpecError
from widthwise.plan import readable_bytes
from widthwise.spec import Spec

SPEC_NAME = "spec.json"
DATA_NAME = "data"
MAX_SHIPPED_BYTES = 256 << 20
"""Ray keeps what is shipped in the memory of the head, and refuses more than twice as much."""


def pack(directory: Path, spec: Spec, *, packages: Iterable[Path], modules: Sequence[tuple[Path, Path]]) -> None:
    """Fill an empty directory, so that ``python -m widthwise run spec.json`` in it computes ``spec``.

    Args:
        directory: where.
        spec: validated; every default is written out.
        packages: directories of packages to be importable there, copied without caches.
        modules: files of the user with their places in ``directory``, as `modules_of` gives them.

    Raises:
        SpecError: a file of data is swept or not there, or all of it is too large to be sent.
    """
    (directory / SPEC_NAME).write_text(_text(_with_data(directory, spec)), encoding="utf-8")
    for package in packages:
        shutil.copytree(package, directory / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    for source, place in modules:
        (directory / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, directory / place)
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    if size > MAX_SHIPPED_BYTES:
        message = (
            f"data.path: {readable_bytes(size)} are more than the {readable_bytes(MAX_SHIPPED_BYTES)} that a job may "
            "bring along; keep in the file only the rows that data.count uses"
        )
        raise SpecError(message)


def modules_of(module: str, directory: Path) -> list[tuple[Path, Path]]:
    """The file of a module below ``directory`` and those that it imports from there, each with its relative place.

    Imports are read from the code, also inside of functions; a module that is imported by a computed name is not seen.
    What is installed is not for us to send: of a module in Python's own directories there is nothing.
    """
    if any(directory.is_relative_to(prefix) for prefix in (sys.prefix, sys.base_prefix)):
        return []
    finder = ModuleFinder(path=[str(directory)])
    finder.import_hook(module)
    found = (module.__dict__["__file__"] for module in finder.modules.values())
    files = (Path(file) for file in found if file)
    return sorted((file, file.relative_to(directory)) for file in _outside_of_ours(files, directory))


def _outside_of_ours(files: Iterable[Path], directory: Path) -> Iterator[Path]:
    """Not the package that is shipped anyway."""
    ours = ("widthwise", "widthwise_cli")
    return (file for file in files if file.relative_to(directory).parts[0] not in ours)


def _with_data(directory: Path, spec: Spec) -> Spec:
    """Put the file of data into ``directory``; the spec that finds it there."""
    if "data.path" in spec.sweep.axes:
        message = (
            'sweep."data.path": the paths of swept files belong to a run, and those of a job change; submit a run for '
            "each file"
        )
        raise SpecError(message)
    if spec.data.path is None:
        return spec
    source = Path(spec.data.path)
    place = Path(DATA_NAME) / source.name
    (directory / DATA_NAME).mkdir()
    try:
        shutil.copyfile(source, directory / place)
    except OSError as error:
        message = f"data.path: {source} cannot be read ({error.strerror}); give the path of a file of this machine"
        raise SpecError(message) from None
    return spec.model_copy(update={"data": spec.data.model_copy(update={"path": str(place)})})


def _text(spec: Spec) -> str:
    text = json.dumps(spec.model_dump(mode="json"), indent=1, allow_nan=False)
    if len(text.encode()) > MAX_BYTES:
        message = f"spec: with every default written out it is larger than {MAX_BYTES // 1024} KiB; sweep fewer values"
        raise SpecError(message)
    return text
