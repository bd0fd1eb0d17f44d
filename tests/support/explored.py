"""The explorer in a terminal that nobody sees: keys go in, what stands on the screen comes out."""

import asyncio
from contextlib import AsyncExitStack

from layered_image import file, folder, hardlink, image_of, symlink, whiteout
from used_image import STATUS, distribution, noise, package, stanza

from slimml.explore.app import Explorer
from slimml.inventory.take import take_inventory


def explored_image():
    """Packages below, distributions and a cache above; the top layer replaces a file, removes one, adds links."""
    status = "\n".join([stanza("git", "perl"), stanza("perl"), stanza("libc") + "Essential: yes\n"])
    return image_of(
        [
            file(STATUS, status.encode()),
            *package("git", "usr/bin/git"),
            *package("perl", "usr/bin/perl"),
            *package("libc", "lib/libc.so"),
            file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
            file("tmp/installer", noise(30_000, "installer")),
            folder("srv"),
        ],
        [
            *distribution("black", "black/main.py"),
            file("root/.cache/pip/http-v2/a/b/entry", noise(50_000, "cache")),
            file("srv/model.bin", noise(40_000, "model")),
        ],
        [
            file("srv/model.bin", noise(45_000, "better")),
            file("srv/app.py", b"print()\n" * 50, mode=0o755, uid=1000),
            symlink("srv/latest", "/srv/model.bin"),
            hardlink("srv/model.copy", "srv/model.bin"),
            whiteout("tmp/installer"),
            folder("srv"),
        ],
    )


def inventory_of(*layers):
    """The inventory of layers given as lists of items."""
    return take_inventory(image_of(*layers))


class Terminal:
    """An explorer that runs. Keys are pressed one after the other; each call waits until nothing is worked out."""

    def __init__(self, inventory, size=(100, 30)):
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.app = Explorer(inventory)
        self._pilot = self._runner.run(self._stack.enter_async_context(self.app.run_test(size=size)))
        self.press()

    def press(self, *keys):
        """Press these keys."""
        self._runner.run(self._do(self._pilot.press(*keys)))

    def click(self, column, line, times=1):
        """Click at this cell."""
        self._runner.run(self._do(self._pilot.click(offset=(column, line), times=times)))

    def resize(self, width, height):
        """Give the terminal another size."""
        self._runner.run(self._do(self._pilot.resize_terminal(width, height)))

    @property
    def lines(self):
        """The lines on the screen, as a person reads them."""
        return ["".join(segment.text for segment in strip).rstrip() for strip in self._strips]

    @property
    def texts(self):
        """Every text that goes to the terminal, piece by piece, and the cells that each line takes."""
        return [segment.text for strip in self._strips for segment in strip], [it.cell_length for it in self._strips]

    @property
    def _strips(self):
        return self.app.screen._compositor.render_strips()

    def line(self, words):
        """The first line that has these words; "" if none does."""
        return next((line for line in self.lines if words in line), "")

    def close(self):
        """Leave."""
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    async def _do(self, work):
        await work
        await self._pilot.pause(0)
        while self.app.busy:
            await self._pilot.pause(0.01)
        for _ in range(3):  # a message may send another one
            await self._pilot.pause(0)
