"""What a file is, told from its first bytes and its name. A form is a short word; "" is for what is no file."""

from typing import Final

HEAD_BYTES: Final = 64
"""how much of a file's beginning `form_of` looks at"""

ELF_SHARED: Final = "elf-shared"
ELF_EXECUTABLE: Final = "elf-executable"
ELF_OBJECT: Final = "elf-object"
ELF_CORE: Final = "elf-core"
STATIC_LIBRARY: Final = "static-library"
BYTECODE: Final = "bytecode"
PYTHON: Final = "python"
C_SOURCE: Final = "c-source"
HEADER: Final = "header"
SCRIPT: Final = "script"
TEXT: Final = "text"
JSON: Final = "json"
ZIP: Final = "zip"
COMPRESSED: Final = "compressed"
TAR: Final = "tar"
PACKAGE: Final = "package"
SQLITE: Final = "sqlite"
MODEL_ONNX: Final = "model-onnx"
MODEL_SAFETENSORS: Final = "model-safetensors"
MODEL_TORCH: Final = "model-torch"
MODEL_GGUF: Final = "model-gguf"
MODEL_TFLITE: Final = "model-tflite"
MODEL_TENSORFLOW: Final = "model-tensorflow"
MODEL_OTHER: Final = "model-other"
PICKLE: Final = "pickle"
HDF5: Final = "hdf5"
ARRAY: Final = "array"
TABLE: Final = "data-table"
NOTEBOOK: Final = "notebook"
IMAGE: Final = "image"
FONT: Final = "font"
DOCUMENT: Final = "document"
LOCALE: Final = "locale"
EMPTY: Final = "empty"
OTHER: Final = "other"

_ELF = {
    1: ELF_OBJECT,
    2: ELF_EXECUTABLE,
    3: ELF_SHARED,  # also position independent executables, which differ in nothing that matters here
    4: ELF_CORE,
}

_MAGIC = {
    b"PK\x03\x04": ZIP,
    b"!<ar": STATIC_LIBRARY,
    b"\x28\xb5\x2f\xfd": COMPRESSED,
    b"\xfd7zX": COMPRESSED,
    b"BZh9": COMPRESSED,
    b"SQLi": SQLITE,
    b"GGUF": MODEL_GGUF,
    b"\x89HDF": HDF5,
    b"\x93NUM": ARRAY,
    b"PAR1": TABLE,
    b"ARRO": TABLE,
    b"\x89PNG": IMAGE,
    b"GIF8": IMAGE,
    b"RIFF": IMAGE,
    b"%PDF": DOCUMENT,
    b"\xde\x12\x04\x95": LOCALE,
    b"\x95\x04\x12\xde": LOCALE,
    b"\xed\xab\xee\xdb": PACKAGE,
    b"OTTO": FONT,
    b"\x00\x01\x00\x00": FONT,
    b"wOF2": FONT,
    b"wOFF": FONT,
}

_SUFFIX = {
    "py": PYTHON,
    "pyi": PYTHON,
    "pyw": PYTHON,
    "c": C_SOURCE,
    "cc": C_SOURCE,
    "cpp": C_SOURCE,
    "cxx": C_SOURCE,
    "cu": C_SOURCE,
    "pyx": C_SOURCE,
    "pxd": C_SOURCE,
    "f90": C_SOURCE,
    "h": HEADER,
    "hpp": HEADER,
    "hh": HEADER,
    "hxx": HEADER,
    "cuh": HEADER,
    "inl": HEADER,
    "sh": SCRIPT,
    "pl": SCRIPT,
    "pm": SCRIPT,
    "js": SCRIPT,
    "json": JSON,
    "txt": TEXT,
    "md": TEXT,
    "rst": TEXT,
    "html": TEXT,
    "xml": TEXT,
    "yaml": TEXT,
    "yml": TEXT,
    "toml": TEXT,
    "cfg": TEXT,
    "ini": TEXT,
    "onnx": MODEL_ONNX,
    "safetensors": MODEL_SAFETENSORS,
    "pt": MODEL_TORCH,
    "pth": MODEL_TORCH,
    "ckpt": MODEL_TORCH,
    "tflite": MODEL_TFLITE,
    "pb": MODEL_TENSORFLOW,
    "keras": MODEL_TENSORFLOW,
    "mlmodel": MODEL_OTHER,
    "ubj": MODEL_OTHER,
    "pkl": PICKLE,
    "pickle": PICKLE,
    "joblib": PICKLE,
    "h5": HDF5,
    "hdf5": HDF5,
    "npy": ARRAY,
    "npz": ARRAY,
    "csv": TABLE,
    "tsv": TABLE,
    "parquet": TABLE,
    "feather": TABLE,
    "arrow": TABLE,
    "ipynb": NOTEBOOK,
    "jpg": IMAGE,
    "jpeg": IMAGE,
    "svg": IMAGE,
    "tar": TAR,
    "deb": PACKAGE,
    "whl": PACKAGE,
    "a": STATIC_LIBRARY,
    "o": ELF_OBJECT,
    "so": ELF_SHARED,
    "pyc": BYTECODE,
    "gz": COMPRESSED,
    "xz": COMPRESSED,
    "zst": COMPRESSED,
    "bz2": COMPRESSED,
    "zip": ZIP,
}

_NAMED_FIRST = frozenset((MODEL_TORCH, MODEL_TENSORFLOW, PACKAGE, ARRAY, PICKLE))
"""A zip or HDF5 file with such a name is what the name says: the container is only how it is stored."""

FORMS: Final = (
    "",
    *sorted(
        {EMPTY, OTHER, BYTECODE, TEXT, SCRIPT, COMPRESSED, IMAGE, MODEL_SAFETENSORS}
        | set(_ELF.values())
        | set(_MAGIC.values())
        | set(_SUFFIX.values())
    ),
)
"""Every form; the position is the code in the table's dictionary."""

TOLD_BY_SUFFIX: Final = frozenset(_SUFFIX)
"""Suffixes with which the first four bytes decide the form"""

CODES: Final = {form: code for code, form in enumerate(FORMS)}


def form_by_name(path: str) -> str:
    """The form that a name alone suggests, OTHER when none."""
    name = path[path.rfind("/") + 1 :]
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        return OTHER
    found = _SUFFIX.get(suffix)
    if found is None and suffix.isdigit() and ".so." in name:
        return ELF_SHARED
    if suffix == "bin" and "model" in stem:
        return MODEL_TORCH
    return found or OTHER


def form_of(path: str, head: bytes) -> str:
    """The form of a file whose first bytes (HEAD_BYTES, or all it has) are `head`."""
    magic = head[:4]
    if magic == b"\x7fELF" and len(head) >= 20:
        kind = int.from_bytes(head[16:18], "big" if head[5] == 2 else "little")
        return _ELF.get(kind, OTHER)
    found = _MAGIC.get(magic)
    if found is not None:
        named = form_by_name(path)
        return named if named in _NAMED_FIRST else found
    if magic[2:] == b"\r\n" and path.endswith((".pyc", ".pyo")):
        return BYTECODE
    if magic[:2] == b"\x1f\x8b":
        return COMPRESSED
    if magic[:3] == b"\xff\xd8\xff":
        return IMAGE
    if head[8:10] == b'{"' and head[5:8] == b"\0\0\0":
        return MODEL_SAFETENSORS
    if head[4:8] == b"TFL3":
        return MODEL_TFLITE
    named = form_by_name(path)
    if named is not OTHER:
        return named
    if magic[:2] == b"#!":
        return SCRIPT
    return TEXT if head and b"\0" not in head and head.isascii() else OTHER
