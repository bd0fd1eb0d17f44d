"""ONNX graphs read, made smaller without or with little loss, and written; needs the extra `slimml[onnx]`."""
