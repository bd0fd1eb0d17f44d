"""Names of Python modules by the paths of their files."""

SUFFIXES = (".py", ".pyc", ".so")
"""of files that are modules"""


def module_name(path: str) -> str:
    """Of a path below a place on Python's path: `a/b/__init__.py` is a.b, `a/b.cpython-311-x86_64-linux-gnu.so` too."""
    parent, _, file = path.rpartition("/")
    name = file.partition(".")[0]
    parts = [part for part in (*parent.split("/"), name) if part and part not in ("__init__", "__pycache__")]
    return ".".join(parts)
