"""Ten thousand damaged documents of archives, ledgers, engines and registries end in our errors, or are read.

Manifests, indexes and configs have a module of their own, test_document_mutations.
"""

import gzip
import io
import json
import random
import tarfile

import msgspec
import pytest
import raw_tar
from layered_image import file, image_of
from mutations import damaged, damaged_bytes
from tiny_image import read_layers, tiny

from slimml.bloat.detect import find_bloat
from slimml.errors import SlimmlError
from slimml.inventory.collect import LayerCollector
from slimml.inventory.take import take_inventory
from slimml.oci import documents
from slimml.oci.blobs import BlobStore
from slimml.oci.image import ScanFacts
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import Compression
from slimml.oci.places.daemon.api import ask
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.places.daemon.chain import chain_ids
from slimml.oci.places.daemon.saved.documents import find_documents
from slimml.oci.places.daemon.saved.members import ArchiveMembers
from slimml.oci.places.daemon.saved.names import LayerNames
from slimml.oci.places.daemon.store.tar_split import replay
from slimml.oci.places.registry.auth import parse_challenges
from slimml.oci.places.registry.wording import complaint
from slimml.oci.platform import parse_platform
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.slim.ledger import read_ledger
from slimml.slim.optimize import optimize
from slimml.slim.options import Options

IMAGE = tiny({"a": b"1"}, {"b": b"2"}, compression=Compression.NONE)
CONFIG = json.loads(IMAGE.config.raw)
PLATFORM = parse_platform("linux/amd64")


def all_read(inputs, read, make):
    """How many of `inputs` were refused; any error but ours fails here. `make(chance)` gives what `read` takes."""
    chance = random.Random(3)
    refused = 0
    for _ in range(inputs):
        found = make(chance)
        try:
            read(found)
        except SlimmlError:
            refused += 1
    return refused


def tar_with(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("hurt", ["list", "config"])
def test_damaged_documents_of_docker_archives(tmp_path, hurt):
    listed = [{"Config": "config.json", "RepoTags": ["app:tag"], "Layers": ["0/layer.tar", "1/layer.tar"]}]
    layers = dict(zip(("0/layer.tar", "1/layer.tar"), read_layers(IMAGE), strict=True))
    reference = parse_reference(f"docker-archive:{tmp_path}/image:app:tag")

    def make(chance):
        manifest = damaged(listed, chance) if hurt == "list" else json.dumps(listed).encode()
        config = damaged(CONFIG, chance) if hurt == "config" else IMAGE.config.raw
        return tar_with(layers | {"manifest.json": manifest, "config.json": config})

    def read(archive):
        (tmp_path / "image").write_bytes(archive)
        image = open_image(reference)
        assert [image.config.labels, image.config.layer_history, image.config.runtime]

    assert 100 < all_read(1200, read, make) < 1200


@pytest.mark.parametrize("transport", ["oci-archive", "docker-archive"])
def test_damaged_archives(tmp_path, transport):
    write_image(IMAGE, parse_reference(f"{transport}:{tmp_path}/whole"))
    whole = (tmp_path / "whole").read_bytes()

    def read(archive):
        (tmp_path / "image").write_bytes(archive)
        write_image(open_image(parse_reference(f"{transport}:{tmp_path}/image")), parse_reference(f"oci:{tmp_path}/to"))

    assert 100 < all_read(500, read, lambda chance: damaged_bytes(whole, chance, chance.randint(1, 9))) < 500


def test_damaged_ledgers(tmp_path):
    cache = [file(f"var/cache/apt/archives/{number}.deb", bytes(3000)) for number in range(5)]
    inventory = take_inventory(image_of([*cache, file("app/\udcff")]))
    slimmed = optimize(inventory, find_bloat(inventory), Options(), BlobStore(tmp_path))
    with slimmed.store.open_blob(slimmed.ledger) as blob:
        first, *entries, last = blob.read().splitlines()
    head = json.loads(first + b"]}")
    assert len(read_ledger([first, *entries, last]).entries) == 5

    def make(chance):
        match chance.randrange(3):
            case 0:
                begun = damaged(head, chance).removesuffix(b"]}")
                return [begun.replace(b'"entries": [', b'"entries":['), *entries, last]
            case 1:
                return [first, damaged(json.loads(entries[0].rstrip(b",")), chance) + b",", *entries[1:], last]
            case _:
                return damaged_bytes(b"\n".join([first, *entries, last]), chance, 2).split(b"\n")

    assert 500 < all_read(2500, read_ledger, make) < 2500


def test_damaged_tar_splits():
    lines = [
        {"type": 2, "payload": raw_tar.header(b"a", 5), "position": 0},
        {"type": 1, "name": "a", "size": 5, "payload": bytes(8), "position": 1},
        {"type": 2, "payload": bytes(507) + raw_tar.header(b"\xff", 0), "position": 2},
        {"type": 1, "name_raw": b"\xff", "size": 0, "payload": bytes(8), "position": 3},
        {"type": 2, "payload": raw_tar.END, "position": 4},
    ]
    plain = [json.loads(msgspec.json.encode(line)) for line in lines]

    def read(data):
        stream = io.BytesIO(gzip.compress(data, 1))
        collector = LayerCollector()
        total = replay(stream, collector, lambda record: io.BytesIO(b"hello"), "layer", Limits(), lambda _: None)
        collector.inventory(ScanFacts(total, None, None))

    def make(chance):
        hurt = [damaged(line, chance) if chance.random() < 0.3 else json.dumps(line).encode() for line in plain]
        return damaged_bytes(b"\n".join(hurt), chance, chance.choice([0, 0, 1, 2]))

    read(b"\n".join(json.dumps(line).encode() for line in plain))
    assert 500 < all_read(2500, read, make) < 2500


def test_damaged_archives_of_engines():
    names = LayerNames(IMAGE.config.diff_ids, chain_ids(IMAGE.config.diff_ids))
    legacy = {
        "id": "0" * 64,
        "parent": "1" * 64,
        "created": "2024-01-01T00:00:00Z",
        "config": {"a": [1]},
        "os": "linux",
    }
    listed = [{"Config": "config.json", "RepoTags": None, "Layers": ["0/layer.tar", "1/layer.tar"]}]
    inspected = ask.Inspected(IMAGE.config.digest, IMAGE.config.diff_ids, "overlay2", None)

    def read(found):
        path, content = found
        names.learn(path, content)
        archive = tar_with({path: content, f"{IMAGE.config.digest[7:]}.json": content})
        find_documents(ArchiveMembers(io.BytesIO(archive), "archive", DEFAULT_LIMITS), inspected, PLATFORM, Limits())

    def make(chance):
        document, path = chance.choice([(legacy, f"{'0' * 64}/json"), (listed, "manifest.json"), (CONFIG, "x.json")])
        hurt = damaged(document, chance)
        return path, hurt.replace(b": ", b":").replace(b", ", b",") if path.endswith("/json") else hurt

    assert all_read(1200, read, make) > 500


def test_damaged_answers_of_engines():
    whole = {
        "Id": IMAGE.config.digest,
        "RootFS": {"Type": "layers", "Layers": list(IMAGE.config.diff_ids)},
        "GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": "/var/lib/docker/overlay2/x/diff"}},
        "Error": ["no"],
    }

    class Answering:
        address = Address("unix:///engine")
        answer = b""

        def inspect(self, name):
            return documents.load_object(self.answer, name)

    engine = Answering()

    def read(answer):
        engine.answer = answer
        ask.inspect(engine, "app:tag")
        ask.ids_of([documents.load_object(answer, "images")])

    assert 100 < all_read(1000, read, lambda chance: damaged(whole, chance)) < 1000


def test_damaged_words_of_registries():
    said = {"errors": [{"code": "DENIED", "message": "requested \x1b[2J access\u202e", "detail": {"a": [1]}}]}
    challenge = b'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a:pull", Basic x=y'

    def read(found):
        body, header = found
        told = complaint(body)
        assert not told or (told.isprintable() and len(told) <= 200)
        parse_challenges(header.decode("latin-1"))

    all_read(1500, read, lambda chance: (damaged(said, chance), damaged_bytes(challenge, chance, 3)))
