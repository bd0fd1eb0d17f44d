"""The side of `optimize` that makes files smaller that stay: its options, and what they ask for."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.option_groups import with_group
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.cli.proving import Asked
    from slimml.slim.options import Options
    from slimml.slim.replacing.choose import Wanted


class Tier(StrEnum):
    """How far models may be changed."""

    OFF = "off"
    LOSSLESS = "lossless"
    COMPACT = "compact"
    QUANTIZE = "quantize"


GpuArch = Annotated[
    str | None,
    typer.Option(
        "--gpu-arch",
        metavar="ARCH[,ARCH]",
        help="Keep the GPU code of these GPUs only: sm_90, sm_80,sm_90, or host for the GPUs of this machine.",
        show_default=False,
    ),
]
ModifyProprietary = Annotated[
    bool,
    typer.Option(
        "--modify-proprietary", help="--gpu-arch changes libraries, too, whose licence forbids changed copies."
    ),
]
Models = Annotated[
    Tier,
    typer.Option(
        "--models",
        help="What may be done to models: lossless (what inference reads stays bit for bit), compact (weights in fewer "
        "bits, fp32 again once loaded), quantize (computing in int8, judged by your probes), off.",
    ),
]

WeightsLayer = Annotated[
    bool,
    typer.Option("--weights-layer", help="Models get a layer of their own: a change of code does not pull them again."),
]


def wanted(gpu_arch: str | None, modify_proprietary: bool, models: Tier) -> "Wanted":
    """What is asked of files that stay; raises UsageError, and Unavailable for the GPUs of a machine that has none."""
    from slimml.slim.replacing.choose import Wanted

    if modify_proprietary and not gpu_arch:
        raise UsageError("--modify-proprietary is about GPU code: say for which GPUs (--gpu-arch)")
    targets: tuple[int, ...] = ()
    if gpu_arch:
        from slimml.native.architectures import parse_targets

        targets = parse_targets(gpu_arch)
    return Wanted(targets, modify_proprietary, models.value)


@dataclass(frozen=True)
class Shrinking:
    """What the command line says of files that stay and become smaller."""

    gpu_arch: str | None
    modify_proprietary: bool
    models: Tier
    weights_layer: bool

    @property
    def wanted(self) -> "Wanted":
        """What is asked of shrinkers; raises what `wanted` raises."""
        return wanted(self.gpu_arch, self.modify_proprietary, self.models)


_OPTIONS = {
    "gpu_arch": (GpuArch, None),
    "modify_proprietary": (ModifyProprietary, False),
    "models": (Models, Tier.LOSSLESS),
    "weights_layer": (WeightsLayer, False),
}
with_shrinking = with_group("smaller", _OPTIONS, Shrinking)
"""Gives a command the options of this module, and passes what they say as its argument `smaller`, a Shrinking"""


def judged(about: "Asked", models: Tier) -> "Asked":
    """What is asked of the images, so that it can judge what is done to models; raises UsageError."""
    if models is not Tier.QUANTIZE:
        return about
    if about.verify is False:
        raise UsageError("--models quantize changes what models compute, and only probes can judge it: not --no-verify")
    return replace(about, verify=True, guess=False)


def weights_apart(asked: bool, shared: bool, options: "Options") -> bool:
    """Whether models get a layer of their own; raises UsageError beside what makes other layers of all."""
    for option, given in (("--flatten", options.flatten), ("--shared", shared)):
        if asked and given:
            raise UsageError(f"--weights-layer makes a layer more, which {option} does not want: leave one of them out")
    return asked


def asked(found: "Wanted") -> dict[str, str]:
    """The rules that were asked for by themselves, with what was said."""
    from slimml.bloat.rules import GPU_ARCHITECTURES, MODELS

    said: dict[str, str] = {}
    if found.gpu_targets:
        from slimml.native.architectures import names_of

        said[GPU_ARCHITECTURES] = names_of(found.gpu_targets)
    if found.models in (Tier.COMPACT, Tier.QUANTIZE):
        said[MODELS] = found.models
    return said
