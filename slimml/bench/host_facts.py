"""What the machine is that measures, and how busy it was with other things: recorded with every result."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.25
"""how long the processors are watched, while slimml does nothing, to see what others do"""

_CPU_INFO = Path("/proc/cpuinfo")
_FLAGS = re.compile(
    r"avx|avx2|fma|f16c|sse4_2|sha_ni|avx512(?:f|bw|vl|_vnni|_bf16|_fp16)|avx_vnni|amx_(?:tile|int8|bf16)"
    r"|asimd|asimddp|asimdhp|i8mm|bf16|sve2?|sha2|hypervisor"
)
"""vector units that decide how fast models compute, SHA instructions that decide how fast layers are verified, and
whether this is a virtual machine"""
_BUSY_SHARE, _STOLEN_SHARE, _WAITING_SHARE = 0.10, 0.03, 0.20
_QUESTION_SECONDS = 20
_GPU_COLUMNS = ("name", "memory.total", "driver_version", "compute_cap", "mig.mode.current")
_MIB = 1 << 20


@dataclass(frozen=True)
class GpuFacts:
    """A GPU: its name, `memory` in bytes (None where nobody tells), the driver's version, the compute capability."""

    name: str
    memory: int | None
    driver: str
    capability: str
    mig: bool


@dataclass(frozen=True)
class HostFacts:
    """The machine. `cores` are the processors this process may use, `quota` the control group's share of them (None:
    all), `memory` bytes, `flags` those of the processor that matter here, `governor` how it chooses its frequency.
    """

    cpu: str
    flags: tuple[str, ...]
    architecture: str
    cores: int
    quota: float | None
    governor: str
    memory: int
    kernel: str
    system: str
    gpus: tuple[GpuFacts, ...]


@dataclass(frozen=True)
class Load:
    """How busy the machine is while slimml does nothing. Shares are of all processors, from 0 to 1.

    `busy` is what others compute, `stolen` what a hypervisor took away, `waiting` the share of the last ten seconds in
    which something waited for the disk (None where the kernel does not count it); `average` is of the last minute.
    """

    average: float
    busy: float
    stolen: float
    waiting: float | None


def host_facts() -> HostFacts:
    """Ask the machine; what it does not tell is "" or None. Takes a moment where there is a GPU."""
    told = _cpu_info()
    return HostFacts(
        cpu=told.get("model name") or told.get("Model") or platform.processor() or platform.machine(),
        flags=tuple(sorted(_known_flags(told.get("flags") or told.get("Features") or ""))),
        architecture=platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        quota=_quota(),
        governor=_text(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=platform.release(),
        system=_system(),
        gpus=find_gpus(),
    )


def find_gpus() -> tuple[GpuFacts, ...]:
    """The GPUs as nvidia-smi tells of them; where it is missing, as the kernel's driver does; () without one."""
    program = shutil.which("nvidia-smi")
    if program is not None:
        command = [program, f"--query-gpu={','.join(_GPU_COLUMNS)}", "--format=csv,noheader,nounits"]
        try:
            said = subprocess.run(command, capture_output=True, text=True, timeout=_QUESTION_SECONDS, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            said = ""
        found = parse_gpus(said)
        if found:
            return found
    return _gpus_of_driver(Path("/proc/driver/nvidia"))


def parse_gpus(said: str) -> tuple[GpuFacts, ...]:
    """What nvidia-smi printed for the columns asked for, a GPU a line."""
    rows = [[cell.strip() for cell in line.split(",")] for line in said.splitlines()]
    return tuple(
        GpuFacts(row[0], int(row[1]) * _MIB if row[1].isdigit() else None, row[2], row[3], row[4] == "Enabled")
        for row in rows
        if len(row) == len(_GPU_COLUMNS)
    )


def measure_load(seconds: float = SAMPLE_SECONDS) -> Load:
    """Watch the processors for so long."""
    before = _processor_times()
    time.sleep(seconds)
    passed = [after - earlier for earlier, after in zip(before, _processor_times(), strict=True)]
    total = max(1, sum(passed[:8]))
    idle, stolen = passed[3] + passed[4], passed[7]
    return Load(os.getloadavg()[0], (total - idle - stolen) / total, stolen / total, _waiting())


def noise_in_words(loads: list[Load]) -> list[str]:
    """Why results taken between these moments are to be distrusted; [] when nothing was seen."""
    if not loads:
        return []
    found = []
    # A single busy quarter of a second is somebody's cron job; half of them busy is a machine that others use.
    busy = sorted(load.busy for load in loads)[len(loads) // 2]
    if busy > _BUSY_SHARE:
        found.append(f"other programs kept the processors {busy:.0%} busy")
    stolen = max(load.stolen for load in loads)
    if stolen > _STOLEN_SHARE:
        found.append(f"the hypervisor took up to {stolen:.0%} of the processors away")
    waits = [load.waiting for load in loads if load.waiting is not None]
    if waits and sorted(waits)[len(waits) // 2] > _WAITING_SHARE:
        found.append("programs waited for the disk")
    return found


def _cpu_info() -> dict[str, str]:
    """The first processor's entries of /proc/cpuinfo."""
    found: dict[str, str] = {}
    for line in _text(_CPU_INFO).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def _known_flags(flags: str) -> set[str]:
    return {flag for flag in flags.split() if _FLAGS.fullmatch(flag)}


def _quota() -> float | None:
    """Processors that the control group grants (cgroup v2 cpu.max, v1 cfs_quota_us), None for all."""
    limit, _, period = _text(Path("/sys/fs/cgroup/cpu.max")).partition(" ")
    if limit.isdigit() and period.strip().isdigit():
        return int(limit) / int(period)
    old = Path("/sys/fs/cgroup/cpu")
    limit, period = _text(old / "cpu.cfs_quota_us"), _text(old / "cpu.cfs_period_us")
    return int(limit) / int(period) if limit.isdigit() and period.isdigit() and int(limit) > 0 else None


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return platform.system()


def _gpus_of_driver(directory: Path) -> tuple[GpuFacts, ...]:
    """What the kernel's driver tells without any program: /proc/driver/nvidia."""
    version = re.search(r"Kernel Module\s+(?:for \S+\s+)?([\d.]+)", _text(directory / "version"))
    told = [_text(path) for path in sorted(directory.glob("gpus/*/information"))]
    names = [re.search(r"^Model:\s*(.+)$", text, re.MULTILINE) for text in told]
    return tuple(GpuFacts(name[1].strip(), None, version[1] if version else "", "", False) for name in names if name)


def _processor_times() -> list[int]:
    """Ticks of user, nice, system, idle, iowait, irq, softirq, steal, … over all processors (proc_stat(5))."""
    return [int(word) for word in _text(Path("/proc/stat")).partition("\n")[0].split()[1:]]


def _waiting() -> float | None:
    found = re.search(r"^some avg10=([\d.]+)", _text(Path("/proc/pressure/io")))
    return float(found[1]) / 100 if found else None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
