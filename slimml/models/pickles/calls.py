"""Names that a pickle would import: which make only tensors and containers, and which no model has need of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from slimml.models.model_file import Call
from slimml.models.pickles.values import Global

_STORAGES: Final = r"\w*Storage"
_SCALARS: Final = r"(q?u?int|b?float|complex)\d+\w*|bool_?|half|double"
_HARMLESS: Final = {
    module: re.compile(names)
    for module, names in {
        "torch": rf"{_STORAGES}|{_SCALARS}|Size|device|dtype|Tensor|strided|per_(tensor|channel)_affine",
        "torch.cuda": _STORAGES,
        "torch.storage": _STORAGES,
        "torch._utils": r"_rebuild_\w+",
        "torch._tensor": r"_rebuild_from_type_v2",
        "torch.jit._pickle": r"build_\w+|restore_type_tag",
        "torch.nn.parameter": r"Parameter|Buffer|Uninitialized\w+",
        "numpy": rf"{_SCALARS}|ndarray|dtype|str_|bytes_|void|object_|(u?long){{1,2}}",
        "numpy.dtypes": r"\w+DType",
        "numpy.core.multiarray": r"_reconstruct|scalar",
        "numpy._core.multiarray": r"_reconstruct|scalar",
        "numpy.core.numeric": r"_frombuffer",
        "numpy._core.numeric": r"_frombuffer",
        "numpy.random._pickle": r"__\w+_ctor",
        "joblib.numpy_pickle": r"Z?NDArrayWrapper|NumpyArrayWrapper",
        "collections": r"OrderedDict|defaultdict|Counter|deque",
        "_codecs": r"encode",
        "copyreg": r"_reconstructor",
        "copy_reg": r"_reconstructor",
        "argparse": r"Namespace",
        "datetime": r"datetime|date|time|timedelta|timezone",
        "decimal": r"Decimal",
        "fractions": r"Fraction",
        "pathlib": r"(Pure)?(Posix)?Path",
        "uuid": r"UUID",
        "builtins": r"object|set|frozenset|list|dict|tuple|int|float|bool|str|bytes|bytearray|complex|slice|range",
        "__builtin__": r"object|set|frozenset|list|dict|tuple|int|long|float|bool|str|unicode|bytearray|complex|slice",
    }.items()
}

_MODULES: Final = """
    os posix nt subprocess _posixsubprocess sys shutil socket _socket socketserver pty ctypes _ctypes runpy importlib
    imp marshal code codeop pickle _pickle cPickle dill cloudpickle webbrowser urllib urllib2 http httplib requests
    httpx aiohttp asyncio multiprocessing signal threading _thread commands popen2 pdb bdb profile cProfile timeit trace
    pip ensurepip distutils setuptools pkg_resources smtplib ftplib telnetlib ssl tempfile glob inspect gc types
    operator _operator functools linecache doctest idlelib lib2to3 venv zipimport site sysconfig platform io _io
    fileinput mmap builtins __builtin__ __builtins__ concurrent xmlrpc sqlite3 logging atexit unittest turtledemo
    nturl2path pydoc rlcompleter readline test uuid
"""
_DANGEROUS_MODULES: Final = frozenset(_MODULES.split())
_DANGEROUS: Final = re.compile(
    r"torch\.(load|hub\..*|jit\..*|ops\..*|classes\..*|package\..*|serialization\.load|_dynamo\..*|_inductor\..*"
    r"|storage\._load_from_bytes|utils\.(cpp_extension|data\.datapipes|collect_env|bottleneck|_config_module)\..*)"
    r"|numpy\.(load|save.*|fromfile|memmap|loadtxt|f2py\..*|distutils\..*|testing\..*)"
    r"|joblib\.(load|numpy_pickle\.load|externals\..*)|pandas\.(read_pickle|eval|io\..*)|cffi\..*|fsspec\..*"
    r"|.*\b(eval|exec|execfile|system|popen|spawn\w*|__import__|getattr|__getattribute__|runstring|run_code)"
)


def described(found: Iterable[Global]) -> tuple[Call, ...]:
    """What loading would import that is not known to be harmless: the dangerous first, each once."""
    calls = {Call(one.module, one.name, is_dangerous(one)) for one in found if not is_harmless(one)}
    return tuple(sorted(calls, key=lambda call: (not call.dangerous, str(call))))


def is_harmless(one: Global) -> bool:
    """Whether the name makes nothing but tensors, arrays and plain containers.

    No pattern matches a dotted name, which would reach through attributes: `_utils.os.system` of `torch`.
    """
    names = _HARMLESS.get(one.module)
    return names is not None and names.fullmatch(one.name) is not None


def is_dangerous(one: Global) -> bool:
    """Whether the name runs programs or code, or reaches files, networks or other names.

    A name that is neither this nor harmless (a class of scikit-learn) is what a pickle of that library needs.
    """
    if is_harmless(one):
        return False
    if one.module.partition(".")[0] in _DANGEROUS_MODULES or _DANGEROUS.fullmatch(str(one)):
        return True
    # Through a dotted name a pickle reaches whatever its module has imported.
    return not _DANGEROUS_MODULES.isdisjoint(one.name.split(".")[:-1])
