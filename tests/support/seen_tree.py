"""What a directory holds, in full: for each path its kind, mode, owner, time, content, links and attributes."""

import hashlib
import os
import stat


def tree_of(root, ignored=frozenset()):
    """`{path: facts}` of all beneath `root`, and of itself as ""; names in `ignored` at the top are passed over.

    Files that are one (hard links) have the same `same`, the first of their names.
    """
    root = os.fspath(root)
    found, first = {}, {}
    for path in sorted(_walk(root)):
        if path in ignored:
            continue
        whole = os.path.join(root, path) if path else root
        state = os.lstat(whole)
        facts = {"mode": stat.filemode(state.st_mode), "owner": (state.st_uid, state.st_gid), "xattrs": _xattrs(whole)}
        if stat.S_ISREG(state.st_mode):
            facts |= {"content": _digest(whole), "time": state.st_mtime_ns, "size": state.st_size}
            facts["same"] = first.setdefault(state.st_ino, path)
        if stat.S_ISLNK(state.st_mode):
            facts["link"] = os.readlink(whole)
        found[path] = facts
    return found


def _walk(root):
    yield ""
    for directory, names, files in os.walk(root):
        for name in names + files:
            yield os.path.relpath(os.path.join(directory, name), root)


def _xattrs(path):
    ours = (name for name in os.listxattr(path, follow_symlinks=False) if not name.startswith("trusted.overlay."))
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in ours}


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
