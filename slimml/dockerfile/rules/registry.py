"""All rules, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from slimml.dockerfile.rule import Rule
from slimml.dockerfile.rules import (
    add_archive,
    apt_clean,
    apt_lists,
    apt_recommends,
    apt_update_install,
    cache_mounts,
    chown_copy,
    conda_cache,
    copy_order,
    cpu_torch,
    cuda_devel,
    cuda_twice,
    dev_dependencies,
    dockerignore,
    exec_form,
    healthcheck,
    multi_stage,
    npm_cache,
    opencv_headless,
    pinned_base,
    pip_cache,
    pip_wheels,
    piped_shell,
    removed_later,
    root_user,
    secrets,
    slim_base,
    tensorflow_cpu,
    uv_cache,
    weights_layer,
    workdir,
)
from slimml.errors import UsageError

_MODULES = (
    # Bases and what is installed first: what follows sees fewer places. Stages last: they copy what is there by then.
    *(slim_base, cuda_devel, cuda_twice, cpu_torch, opencv_headless, tensorflow_cpu, copy_order, dev_dependencies),
    *(apt_update_install, removed_later, add_archive, apt_recommends, apt_lists, apt_clean),
    *(cache_mounts, pip_cache, uv_cache, conda_cache, npm_cache, chown_copy, dockerignore, exec_form),
    *(multi_stage,),
    *(secrets, piped_shell, root_user, healthcheck, workdir, pinned_base, weights_layer, pip_wheels),
)
RULES: tuple[Rule, ...] = tuple(module.RULE for module in _MODULES)
BY_ID = {rule.id: rule for rule in RULES}


def find_rule(name: str, option: str = "") -> Rule:
    """The rule of this name; raises UsageError with the nearest one there is. `option` is where it was said."""
    if name in BY_ID:
        return BY_ID[name]
    near = get_close_matches(name, BY_ID, 1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(BY_ID)}"
    raise UsageError(f"{option} {name}: no such rule of Dockerfiles; {hint}".strip())


def check_rules(names: Iterable[str], option: str) -> None:
    """Raises UsageError for a name that is none of a rule."""
    for name in names:
        find_rule(name, option)
