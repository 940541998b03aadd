"""The environment variables of worker processes."""

import os
import sys


def worker_environment(threads: int) -> dict[str, str]:
    """Workers find what this process can import, installed or not, and every library uses ``threads`` threads."""
    own = [path for path in sys.path if path and not path.startswith((sys.prefix, sys.base_prefix))]
    return {
        "PYTHONPATH": os.pathsep.join(own),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
    }
