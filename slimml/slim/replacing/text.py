"""A small file taken whole out of its layer."""


class Text:
    """Takes one file (slimml.inventory.read_rows.Taker); who asks for it has looked at its size."""

    def __init__(self) -> None:
        self.content = bytearray()

    @property
    def text(self) -> str:
        """What was taken, as text."""
        return self.content.decode("utf-8", "replace")

    def begin(self, size: int) -> None:
        """The file's content follows."""
        del size
        self.content = bytearray()

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        self.content += piece

    def end(self) -> None:
        """The file is complete."""
