"""Which elements of a fat binary GPUs of given compute capabilities can still need (CUDA C++ Programming Guide,
"Binary Compatibility", "PTX Compatibility", "Family-Specific Features").

The driver takes machine code of the GPU's major version and at most its minor version, the nearest there is; without
any it compiles the newest PTX that is not newer than the GPU. Code for linking at run time (LTO-IR) and kinds that
nobody has described always stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from slimml.native.fatbin import Container, Element

_TEGRA = frozenset({32, 53, 62, 72, 87, 101, 110})
"""Systems on a chip: their machine code and that of other GPUs are no match, whatever the numbers say."""


def kept_elements(container: Container, targets: Sequence[int]) -> tuple[Element, ...]:
    """The elements to keep, in their order; never none, since programs register every container.

    `targets` are compute capabilities times ten. Where no element serves any target, one stays: the smallest.
    """
    kept: set[Element] = {one for one in container.elements if not one.is_cubin and not one.is_ptx}
    for target in targets:
        kept |= _serving(container.elements, target)
    if not kept:
        kept = {min(container.elements, key=lambda one: (one.bytes, one.offset))}
    return tuple(one for one in container.elements if one in kept)


def is_dead(container: Container, targets: Sequence[int]) -> bool:
    """Whether nothing of it can run on any target: what stays is a stand-in."""
    return not any(_serving(container.elements, target) for target in targets) and all(
        one.is_cubin or one.is_ptx for one in container.elements
    )


def dropped_bytes(containers: Iterable[Container], targets: Sequence[int]) -> int:
    """Bytes of all elements that targets do not need."""
    return sum(
        sum(one.bytes for one in container.elements) - sum(one.bytes for one in kept_elements(container, targets))
        for container in containers
    )


def _serving(elements: Sequence[Element], target: int) -> set[Element]:
    machine_code = _nearest(elements, lambda one: _cubin_runs(one, target))
    if machine_code and (target not in _TEGRA or all(one.architecture == target for one in machine_code)):
        return machine_code
    return machine_code | _nearest(elements, lambda one: _ptx_runs(one, target))


def _nearest(elements: Sequence[Element], runs: Callable[[Element], bool]) -> set[Element]:
    """All elements of the highest architecture that runs: a plain one and its "a" variant both stay."""
    able = [one for one in elements if runs(one)]
    best = max((one.architecture for one in able), default=0)
    return {one for one in able if one.architecture == best}


def _cubin_runs(element: Element, target: int) -> bool:
    if not element.is_cubin:
        return False
    if element.exact or (element.architecture in _TEGRA and target not in _TEGRA):
        return element.architecture == target
    return element.architecture // 10 == target // 10 and element.architecture <= target


def _ptx_runs(element: Element, target: int) -> bool:
    if not element.is_ptx:
        return False
    if element.exact:
        return element.architecture == target
    if element.family:
        return element.architecture // 10 == target // 10 and element.architecture <= target
    return element.architecture <= target
