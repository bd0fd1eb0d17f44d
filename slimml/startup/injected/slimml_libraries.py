"""Times what libraries do as a program starts: models loaded and called, waits for others; beside sitecustomize.py."""

from __future__ import annotations

import os
import sys

from slimml_spans import begin, end, timed  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INFERENCES = 3


def _socket(module: Any) -> None:
    """Names looked up, connections made, and answers waited for on connections that this program made itself."""
    peers: dict[int, Any] = {}

    def address(arguments: Any, named: Any) -> Any:
        given = arguments[1]
        return ("{}:{}".format(*given[:2]) if isinstance(given, tuple) else str(given)), ""

    def connected(arguments: Any, named: Any) -> Any:
        found = peers.get(arguments[0].fileno())
        # A number that was closed may be somebody's who called us since.
        mine = found is not None and found == arguments[0].getpeername()
        return ("{}:{}".format(*found[:2]) if isinstance(found, tuple) else str(found), "") if mine else ("", "inbound")

    def remember(self: Any, given: Any) -> Any:
        found = connect(self, given)
        peers[self.fileno()] = self.getpeername()
        return found

    connect = module.socket.connect
    module.socket.connect = remember
    timed(module, "getaddrinfo", "dns", lambda arguments, named: (str((arguments or [named.get("host")])[0]), ""))
    timed(module.socket, "connect", "connect", address)
    for name in ("recv", "recv_into", "sendall"):
        timed(module.socket, name, "receive", connected)
    listen = module.socket.listen

    def listening(self: Any, *arguments: Any) -> Any:
        end(begin("listen", str(self.getsockname()[:2])))
        return listen(self, *arguments)

    module.socket.listen = listening


def _ssl(module: Any) -> None:
    timed(module.SSLSocket, "do_handshake", "connect", lambda arguments, named: ("TLS handshake", ""))
    timed(module.SSLSocket, "read", "receive", lambda arguments, named: ("TLS", ""))


def _subprocess(module: Any) -> None:
    def program(arguments: Any, named: Any) -> Any:
        words = arguments[0].args
        return (words if isinstance(words, (str, bytes)) else str(words[0])), ""

    for name in ("wait", "communicate"):
        timed(module.Popen, name, "child", program)


def _onnxruntime(module: Any) -> None:
    def session(arguments: Any, named: Any) -> Any:
        model = arguments[1] if len(arguments) > 1 else named.get("path_or_bytes")
        options = arguments[2] if len(arguments) > 2 else named.get("sess_options")
        given = "bytes" if isinstance(model, (bytes, bytearray, memoryview)) else "path"
        size = len(model) if given == "bytes" else os.path.getsize(model)
        level = getattr(options, "graph_optimization_level", None)
        told = f"form={given} size={size} optimization={getattr(level, 'name', 'ORT_ENABLE_ALL')}"
        threads = getattr(options, "intra_op_num_threads", 0)
        return ("" if given == "bytes" else str(model)), f"{told} threads={threads}"

    timed(module.InferenceSession, "__init__", "model", session, 0)
    timed(module.Session, "run", "inference", lambda arguments, named: ("onnxruntime", ""), 0, _INFERENCES)


def _file_of(arguments: Any, named: Any) -> Any:
    """Whom a loader was given: a path, or bytes in memory."""
    given = arguments[0] if arguments else next(iter(named.values()), "")
    if hasattr(given, "getbuffer"):
        return "", f"form=bytes size={len(given.getbuffer())}"
    path = getattr(given, "name", given)
    return (str(path), "form=path") if isinstance(path, (str, os.PathLike)) else ("", "form=bytes")


def _loader(name: Any) -> Any:
    return lambda module: timed(module, name, "model", _file_of, 0)


def _torch_modules(module: Any) -> None:
    timed(module.Module, "__call__", "inference", lambda arguments, named: ("torch", ""), 0, _INFERENCES)


def _transformers(module: Any) -> None:
    original = module.PreTrainedModel.from_pretrained.__func__

    def from_pretrained(cls: Any, *arguments: Any, **named: Any) -> Any:
        span = begin("model", str((arguments or ("",))[0]))
        try:
            return original(cls, *arguments, **named)
        finally:
            end(span)

    module.PreTrainedModel.from_pretrained = classmethod(from_pretrained)


HOOKS = {
    "socket": _socket,
    "ssl": _ssl,
    "subprocess": _subprocess,
    "onnxruntime.capi.onnxruntime_inference_collection": _onnxruntime,
    "torch.serialization": _loader("load"),
    "torch.jit._serialization": _loader("load"),
    "torch.nn.modules.module": _torch_modules,
    "safetensors.torch": _loader("load_file"),
    "joblib.numpy_pickle": _loader("load"),
    "transformers.modeling_utils": _transformers,
}


def hook(name: str) -> None:
    """Watch what a module offers as soon as it is there, before anybody takes names out of it."""
    change = HOOKS.get(name)
    module = sys.modules.get(name)
    if change is not None and module is not None:
        del HOOKS[name]
        try:
            change(module)
        except Exception as error:
            # A release that is made otherwise: the program goes on as it would without us, and it is said.
            end(begin("missed", f"{name}: {type(error).__name__}"))
