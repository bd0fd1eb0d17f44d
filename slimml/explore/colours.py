"""Colours, told apart also by those who do not see all of them; nothing is said by colour alone."""

from rich.style import Style

from slimml.bloat.finding import Risk
from slimml.explore.scope import Sign

SIGN = {
    Sign.SAME: Style(),
    Sign.ADDED: Style(color="#56c596"),
    Sign.MODIFIED: Style(color="#e6b450"),
    Sign.REMOVED: Style(color="#ff8f6b"),
}
"""after Okabe and Ito: bluish green, orange, vermilion"""
RISK = {
    Risk.SAFE: Style(color="#56c596"),
    Risk.LIKELY: Style(color="#e6b450"),
    Risk.ASK: Style(color="#d6a2e8"),
}
PLAIN = Style()
QUIET = Style(color="#9aa5b1")
STRONG = Style(bold=True)
NUMBER = Style(color="#8ab4f8")
MARK = Style(color="#ff8f6b", bold=True)
CURSOR = Style(bgcolor="#2d4f6e", bold=True)
CURSOR_ELSEWHERE = Style(bgcolor="#2c3138")
"""the cursor of a list that the keys do not go to"""
