"""What is known of a model file: its format, its tensors, and what in it only training needs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Format(StrEnum):
    """What a file is, by its content; the values are the words of the published schema."""

    ONNX = "onnx"
    SAFETENSORS = "safetensors"
    SAFETENSORS_INDEX = "safetensors-index"
    TORCH_ZIP = "torch-zip"
    TORCH_LEGACY = "torch-legacy"
    TORCHSCRIPT = "torchscript"
    SAVED_MODEL = "tensorflow-saved-model"
    TF_GRAPH = "tensorflow-graph"
    TF_VARIABLES = "tensorflow-variables"
    KERAS_H5 = "keras-h5"
    KERAS_ZIP = "keras"
    TFLITE = "tflite"
    GGUF = "gguf"
    PICKLE = "pickle"
    JOBLIB = "joblib"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    COREML = "coreml"
    SPACY = "spacy"
    TOKENIZER = "tokenizer"


@dataclass(frozen=True)
class Tensor:
    """One stored array. `dtype` is the word of the safetensors format (F32, BF16, I8, BOOL…), for blocks of quantized
    weights that of GGUF (Q4_K…), OTHER when unknown. `bytes` is what it takes in the file. `offset` counts from the
    beginning of the file that holds it, None where it does not lie in one piece as it is (compressed, text, shared);
    `file` names that file, relative to the model's directory, where it is not the model file itself.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    offset: int | None = None
    file: str = ""

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True)
class Leftover:
    """A part that only training needs: `name` as the file calls it, `bytes` of stored arrays in it, `what` it is."""

    name: str
    bytes: int
    what: str


@dataclass(frozen=True)
class ExternalFile:
    """A file that the model file names as holding some of its bytes, relative to its own directory. `bytes` is how far
    into it the model reaches, 0 where it does not say.
    """

    path: str
    bytes: int


@dataclass(frozen=True)
class Call:
    """Something that loading the file would import and, mostly, call: `module` and `name` of a pickle's GLOBAL."""

    module: str
    name: str
    dangerous: bool = False

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class ModelFile:
    """A model file of `size` bytes that was read without running anything of it.

    `parameters` counts the numbers in weights that inference reads, None where the format does not say;
    `bytes_by_dtype` counts the bytes of all stored arrays, those of training, too. `tensors` lists the weights, not the
    optimizer's state. `optimizer_bytes` are stored arrays of the optimizer, which `leftovers` lists among the other
    parts that only training needs. `external` are the files beside it that it needs. `calls` is what loading would
    import that is not known to be harmless. `remarks` are findings for people. `unread` says what could not be read
    and why; "" when all was.
    """

    format: Format
    size: int
    parameters: int | None = None
    bytes_by_dtype: dict[str, int] = field(default_factory=dict)
    tensors: tuple[Tensor, ...] = ()
    optimizer_bytes: int = 0
    leftovers: tuple[Leftover, ...] = ()
    external: tuple[ExternalFile, ...] = ()
    calls: tuple[Call, ...] = ()
    remarks: tuple[str, ...] = ()
    unread: str = ""

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes of its arrays, the one with most bytes first."""
        return tuple(sorted(self.bytes_by_dtype, key=lambda dtype: (-self.bytes_by_dtype[dtype], dtype)))

    @property
    def dangers(self) -> tuple[Call, ...]:
        """What loading would run that no model has need of."""
        return tuple(call for call in self.calls if call.dangerous)


def bytes_by_dtype(tensors: tuple[Tensor, ...] | list[Tensor]) -> dict[str, int]:
    """The bytes of `tensors` by their dtype."""
    found: Counter[str] = Counter()
    for tensor in tensors:
        found[tensor.dtype] += tensor.bytes
    return dict(found)
