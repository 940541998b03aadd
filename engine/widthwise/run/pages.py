"""Keep freed memory in a worker process: fresh pages cost more than the numbers that are written into them."""

import ctypes
import sys

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
LARGEST = 2**31 - 1


def keep_freed_pages() -> None:
    """Tell glibc to serve large arrays from its heap and never to give the heap back.

    By default every array above 32 MiB gets pages of its own from the kernel, zeroed one by one: at width 2**20 that
    takes three to five times as long as the arithmetic. Elsewhere than on glibc nothing happens.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is not None and hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST)
        libc.mallopt(M_TRIM_THRESHOLD, -1)
