"""Tar headers by hand, for archives that no honest tool would write."""

BLOCK = 512


def header(name: bytes, size: int = 0, kind: bytes = b"0", link: bytes = b"", **raw: bytes) -> bytes:
    """One ustar header with a right checksum; `raw` overrides fields as bytes."""
    block = bytearray(BLOCK)
    block[0 : len(name[:100])] = name[:100]
    block[100:108] = raw.get("mode", b"0000644\0")
    block[108:116] = raw.get("uid", b"0000000\0")
    block[116:124] = raw.get("gid", b"0000000\0")
    block[124:136] = raw.get("size_field", b"%011o\0" % size)
    block[136:148] = raw.get("mtime", b"00000000000\0")
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[157 : 157 + len(link[:100])] = link[:100]
    block[257:265] = raw.get("magic", b"ustar\x0000")
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    """Content up to the next block."""
    return content + bytes(-len(content) % BLOCK)


def file(name: bytes, content: bytes = b"x") -> bytes:
    """A file entry."""
    return header(name, len(content)) + padded(content)


def record(key: bytes, value: bytes) -> bytes:
    """One PAX record."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length += 1
    return b"%d" % length + body


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    """A PAX extended header."""
    content = b"".join(record(key, value) for key, value in records)
    return header(b"PaxHeaders/x", len(content), kind) + padded(content)


END = bytes(2 * BLOCK)
