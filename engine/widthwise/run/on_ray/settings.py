"""Settings of Ray that live in the environment, set for a while; a token among them is kept nowhere else."""

import importlib
import os
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any


def own_settings() -> Mapping[str, str]:
    """Settings for a Ray that nobody but this process and its children can reach."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),  # Ray's default is a file in HOME, which may be read-only
        "RAY_USAGE_STATS_ENABLED": "0",
        # Despite its name: with 0 every process of Ray binds to the loopback interface only.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }


@contextmanager
def settings(variables: Mapping[str, str | None]) -> Generator[None]:
    """Set variables of Ray, or with None remove them, until the end of the block."""
    found = {key: os.environ.get(key) for key in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(found)


def _set(variables: Mapping[str, str | None]) -> None:
    """Change the environment and let Ray read it again: in this process it did so when it was imported."""
    for key, value in variables.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
    constants: Any = importlib.import_module("ray._private.ray_constants")
    variable, default = constants.ENABLE_RAY_CLUSTERS_ENV_VAR, not constants.IS_WINDOWS_OR_OSX
    constants.ENABLE_RAY_CLUSTER = constants.env_bool(variable, default)
    core: Any = importlib.import_module("ray._raylet")
    core.Config.initialize("")
    core.AuthenticationTokenLoader.instance().reset_cache()
