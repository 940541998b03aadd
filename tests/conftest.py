"""Tests run side by side in two processes: one thread of torch each, set before torch is imported."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
