"""What a job does first: compare the packages that it finds with those of the machine that submitted it."""

import json
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

EXACT = ("numpy", "scipy", "torch", "xarray", "zarr")
"""They decide numbers, or how these are written."""
PRESENT = ("matplotlib", "obstore", "pydantic", "pyyaml", "rich", "typer")
"""Of these any version will do."""
PACKAGES_NAME = "packages.json"

Versions = Mapping[str, str | None]


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The versions of what is installed here of some packages, without local labels such as ``+cpu``."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package).partition("+")[0]
        except metadata.PackageNotFoundError:
            continue
    return found


def demands(here: Mapping[str, str], *, exact: bool) -> Versions:
    """What a job needs where these packages are used here; None for any version."""
    return {package: version if exact and package in EXACT else None for package, version in here.items()}


def differences(wanted: Versions, found: Mapping[str, str]) -> list[str]:
    """One phrase for each package that is missing, or of another version where that matters."""
    return [
        f"{package} {found[package]} instead of {version}" if package in found else f"no {package}"
        for package, version in wanted.items()
        if package not in found or version not in (None, found[package])
    ]


def main(path: Path) -> int:
    """Exit code 0, or 3 after one line that says what differs."""
    wanted = json.loads(path.read_text(encoding="utf-8"))
    different = differences(wanted, versions(tuple(wanted)))
    if different:
        print(
            f"widthwise: this cluster has {', '.join(different)}; submit with --install to bring packages along, or "
            "with --allow-mixed to take other versions",
            file=sys.stderr,
        )
    return 3 if different else 0


if __name__ == "__main__":
    sys.exit(main(Path(PACKAGES_NAME)))
