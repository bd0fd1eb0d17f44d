"""Text out of images on its way to a terminal: nothing in it may steer the terminal."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """`text` with every character that does not print written as an escape.

    Control characters (C0, C1, DEL), escape sequences, line and paragraph separators, direction overrides and other
    format characters, and surrogates become `\\xNN`, `\\uNNNN` or `\\UNNNNNNNN`. A byte that was not UTF-8 (PEP 383)
    becomes `\\xNN`. What comes out is one line.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(ord(char)) for char in text)


def well_formed(text: str) -> str:
    """`text` as JSON may carry it (RFC 8259, section 8.2): lone surrogates, such as bytes of a file name that are not
    UTF-8, become escapes; all else stays."""
    if text.isascii():
        return text
    return _SURROGATE.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: the low byte is what stood in the file name
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
