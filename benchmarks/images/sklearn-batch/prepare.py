"""Make the data that the image is built with: sales.tar.gz, a history and a day of new rows, from a fixed seed."""

import csv
import gzip
import io
import random
import sys
import tarfile
from pathlib import Path


def rows(count: int, source: random.Random) -> list[list[str]]:
    """Rows of one shop's sales."""
    found = []
    for _ in range(count):
        price, weekday, stock = source.uniform(1, 90), source.randrange(7), source.randrange(1000)
        sold = max(0, int(60 - price / 2 + 4 * (weekday > 4) + source.gauss(0, 3)))
        found.append([f"{price:.2f}", str(weekday), str(stock), source.choice("ABCD"), str(sold)])
    return found


def table(count: int, source: random.Random) -> bytes:
    """The same as a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["price", "weekday", "stock", "shop", "sold"])
    writer.writerows(rows(count, source))
    return text.getvalue().encode()


def main(directory: Path) -> None:
    """Write sales.tar.gz and sample.csv into the build's context."""
    source = random.Random(11)
    files = {"history.csv": table(400_000, source), "new.csv": table(200, source)}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with gzip.GzipFile(directory / "sales.tar.gz", "wb", mtime=0) as out:
        out.write(plain.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
