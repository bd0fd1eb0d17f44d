"""How this process gets memory: freed buffers stay with it, since the next piece of a stream needs one as large.

By default glibc maps a buffer of some hundred KiB afresh each time, and the kernel clears it page by page: a fifth of
the time that reading a layer takes.
"""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST = 32 << 20
"""the most that mallopt(3) takes as M_MMAP_THRESHOLD"""
_KEPT = 64 << 20


def keep_freed_memory() -> None:
    """Set malloc's thresholds, mallopt(3); a C library without it (macOS, musl) is left as it is."""
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
