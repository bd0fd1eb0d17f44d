"""An image of busybox that any runtime can run: `busybox_image({"Cmd": ["httpd", …]})`."""

import io
import shutil
import tarfile
from pathlib import Path

from engines import missing
from tiny_image import tiny

APPLETS = "cat chmod dd echo env false hostname httpd id ifconfig kill ln ls mkdir nc ps pwd sh sleep touch true wc"
SERVE = ["httpd", "-f", "-p", "8000", "-h", "/srv"]
_ACCOUNTS = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001:Ann:/home/ann:/bin/sh\n",
    "etc/group": b"root:x:0:\nann:x:1001:\nvideo:x:44:ann\n",
    "srv/index.html": b"hello from inside\n",
}


def busybox_image(config=None, layers=(), **more):
    """A layer with busybox, its applets, two users and a page to serve, then `layers`; `config` is what runs."""
    found = shutil.which("busybox")
    if found is None:
        missing("busybox is not installed (Debian package busybox-static)")
    return tiny(busybox_tar(found), *layers, config={"config": {"Cmd": SERVE} | (config or {})}, **more)


def busybox_tar(binary):
    """The layer."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content, mode in (
            ("bin/busybox", Path(binary).read_bytes(), 0o755),
            *((path, content, 0o644) for path, content in _ACCOUNTS.items()),
        ):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
        for name in APPLETS.split():
            member = tarfile.TarInfo(f"bin/{name}")
            member.type, member.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(member)
    return out.getvalue()
