"""NVIDIA's management library, as much of it as tells who uses a GPU's memory (docs.nvidia.com, NVML API)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.errors import Unavailable

if TYPE_CHECKING:
    from typing import Self

_LIBRARY = "libnvidia-ml.so.1"
_SUCCESS, _TOO_SMALL = 0, 7
_NAME_BYTES = 96
_UNKNOWN = (1 << 64) - 1
"""what the driver says where it does not count a process' memory"""


class _Memory(ctypes.Structure):
    """nvmlMemory_t."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class _Process(ctypes.Structure):
    """nvmlProcessInfo_v2_t, as nvmlDeviceGetComputeRunningProcesses_v3 fills it."""

    _fields_ = (
        ("pid", ctypes.c_uint),
        ("memory", ctypes.c_ulonglong),
        ("instance", ctypes.c_uint),
        ("compute", ctypes.c_uint),
    )


@dataclass(frozen=True)
class Device:
    """A GPU: its place among the machine's, its name, and its memory in bytes."""

    index: int
    name: str
    memory: int


class Nvml:
    """The library, loaded and ready until it is closed. Raises Unavailable where there is no NVIDIA driver."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(_LIBRARY)
        except OSError:
            raise Unavailable(f"no NVIDIA GPU can be asked here: {_LIBRARY} is not installed") from None
        self._checked("nvmlInit_v2")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._library.nvmlShutdown()

    def devices(self) -> tuple[Device, ...]:
        """The machine's GPUs; raises Unavailable."""
        count = ctypes.c_uint()
        self._checked("nvmlDeviceGetCount_v2", ctypes.byref(count))
        return tuple(self._device(index) for index in range(count.value))

    def used(self, index: int) -> int:
        """Bytes of a GPU's memory that are in use, by whomever; raises Unavailable."""
        return int(self._memory(self._handle(index)).used)

    def processes(self, index: int) -> dict[int, int | None]:
        """The processes with a compute context on a GPU, as this machine numbers them, and their bytes, None where the
        driver does not count. Raises Unavailable.
        """
        handle = self._handle(index)
        room = 16
        while True:
            count = ctypes.c_uint(room)
            found = (_Process * room)()
            said = self._library.nvmlDeviceGetComputeRunningProcesses_v3(handle, ctypes.byref(count), found)
            if said != _TOO_SMALL:
                break
            room = count.value + 16
        if said != _SUCCESS:
            raise self._failure("nvmlDeviceGetComputeRunningProcesses_v3", said)
        return {one.pid: None if one.memory == _UNKNOWN else one.memory for one in found[: count.value]}

    def _device(self, index: int) -> Device:
        handle = self._handle(index)
        name = ctypes.create_string_buffer(_NAME_BYTES)
        self._checked("nvmlDeviceGetName", handle, name, ctypes.c_uint(_NAME_BYTES))
        return Device(index, name.value.decode("utf-8", "replace"), int(self._memory(handle).total))

    def _memory(self, handle: ctypes.c_void_p) -> _Memory:
        memory = _Memory()
        self._checked("nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory))
        return memory

    def _handle(self, index: int) -> ctypes.c_void_p:
        handle = ctypes.c_void_p()
        self._checked("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
        return handle

    def _checked(self, function: str, *arguments: object) -> None:
        try:
            said = getattr(self._library, function)(*arguments)
        except AttributeError:
            raise Unavailable(f"{_LIBRARY} has no {function}; the driver is too old") from None
        if said != _SUCCESS:
            raise self._failure(function, said)

    def _failure(self, function: str, code: int) -> Unavailable:
        self._library.nvmlErrorString.restype = ctypes.c_char_p
        words = self._library.nvmlErrorString(ctypes.c_int(code)) or b"unknown error"
        return Unavailable(f"no NVIDIA GPU can be asked here: {function}: {words.decode('utf-8', 'replace')}")
