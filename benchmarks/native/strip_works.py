"""A short task for each package whose libraries are stripped; prints the results, rounded, as one line of JSON.

    python strip_works.py PACKAGE

What is printed has to be the same with the original's libraries and with the stripped ones.
"""

import io
import json
import struct
import sys
from collections.abc import Callable
from typing import Any


def numpy() -> Any:
    """Linear algebra, FFT and random numbers."""
    import numpy as np

    random = np.random.default_rng(7)
    matrix = random.normal(size=(60, 60))
    solved = np.linalg.solve(matrix, np.arange(60.0))
    return [float(np.linalg.svd(matrix)[1].sum()), float(solved.sum()), float(abs(np.fft.fft(matrix)).sum())]


def scipy() -> Any:
    """Sparse systems, optimisation, special functions, signals, distances."""
    import numpy as np
    from scipy import integrate, optimize, signal, sparse, spatial, special, stats
    from scipy.sparse.linalg import spsolve

    system = sparse.diags([1.0, 4.0, 1.0], [-1, 0, 1], shape=(200, 200), format="csc")
    tree = spatial.cKDTree(np.random.default_rng(1).normal(size=(500, 3)))
    return [
        float(spsolve(system, np.ones(200)).sum()),
        float(optimize.minimize(optimize.rosen, [1.3, 0.7, 0.8], method="BFGS").x.round(4).sum()),
        float(special.jv(2, 3.5) + special.gamma(4.2)),
        float(signal.lfilter([1, 2], [1, 0.5], np.arange(50.0)).sum()),
        float(integrate.quad(np.sin, 0, 2)[0]),
        float(stats.norm.ppf(0.9)),
        float(tree.query(np.zeros((1, 3)), k=5)[0].sum()),
    ]


def sklearn() -> Any:
    """A forest, a linear model, clusters, neighbours."""
    from sklearn.cluster import KMeans
    from sklearn.datasets import make_classification
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    values, kinds = make_classification(300, 12, random_state=3)
    models = [
        RandomForestClassifier(20, random_state=0),
        GradientBoostingClassifier(n_estimators=10, random_state=0),
        LogisticRegression(),
        KNeighborsClassifier(),
        SVC(),
    ]
    clusters = KMeans(4, n_init=2, random_state=0).fit(values)
    return [float(model.fit(values, kinds).score(values, kinds)) for model in models] + [float(clusters.inertia_)]


def pandas() -> Any:
    """CSV, groups, joins, times."""
    import pandas as pd

    text = "a,b,when\n" + "".join(f"{n % 5},{n * 0.5},2024-01-{n % 28 + 1:02}\n" for n in range(200))
    table = pd.read_csv(io.StringIO(text), parse_dates=["when"])
    grouped = table.groupby("a").b.mean()
    joined = table.merge(grouped.rename("mean"), on="a")
    return [grouped.round(6).tolist(), float(joined["mean"].sum()), str(table.when.dt.dayofweek.value_counts().iloc[0])]


def pyarrow() -> Any:
    """Parquet with three codecs, compute functions, a dataset, Arrow's own file format."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    table = pa.table({"n": list(range(1000)), "s": [f"row {n % 7}" for n in range(1000)]})
    found: list[Any] = []
    for codec in ("snappy", "zstd", "gzip", "brotli", "lz4"):
        sink = io.BytesIO()
        pq.write_table(table, sink, compression=codec)
        found.append(pq.read_table(io.BytesIO(sink.getvalue())).equals(table))
    sink = io.BytesIO()
    feather.write_feather(table, sink)
    found.append(feather.read_table(io.BytesIO(sink.getvalue())).equals(table))
    return [
        *found,
        pc.sum(table["n"]).as_py(),
        table.group_by("s").aggregate([("n", "sum")]).sort_by("s")["n_sum"].to_pylist(),
    ]


def _field(number: int, data: bytes) -> bytes:
    return (
        bytes([number << 3 | 2])
        + (bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 127 | 128, len(data) >> 7]))
        + data
    )


def _tensor_type(name: str, *shape: int) -> bytes:
    dimensions = b"".join(_field(1, bytes([8, size])) for size in shape)
    return _field(1, name.encode()) + _field(2, _field(1, bytes([8, 1]) + _field(2, dimensions)))


def onnxruntime() -> Any:
    """A model of two layers, written here byte by byte (onnx.proto): no other package is needed."""
    import numpy as np
    import onnxruntime as ort

    ort.set_default_logger_severity(4)
    weights = struct.pack("<12f", *(n / 7 for n in range(12)))
    initial = bytes([8, 4, 8, 3, 16, 1]) + _field(8, b"w") + _field(9, weights)
    nodes = [([b"x", b"w"], b"y", b"MatMul"), ([b"y"], b"z", b"Softmax")]
    graph = b"".join(
        _field(1, b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, kind))
        for inputs, output, kind in nodes
    )
    graph += (
        _field(2, b"g") + _field(5, initial) + _field(11, _tensor_type("x", 2, 4)) + _field(12, _tensor_type("z", 2, 3))
    )
    model = bytes([8, 8]) + _field(7, graph) + _field(8, bytes([16, 13]))
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.arange(8, dtype=np.float32).reshape(2, 4) / 5})[0].tolist()


def cv2() -> Any:
    """Codecs, filters, edges, features."""
    import cv2 as cv
    import numpy as np

    picture = np.zeros((120, 160, 3), np.uint8)
    cv.circle(picture, (80, 60), 40, (30, 200, 90), -1)
    sizes = []
    for suffix in (".png", ".jpg", ".webp", ".tiff"):
        written, data = cv.imencode(suffix, picture)
        sizes.append([bool(written), int(cv.imdecode(data, cv.IMREAD_COLOR).astype(np.int64).sum())])
    grey = cv.cvtColor(cv.resize(picture, (320, 240)), cv.COLOR_BGR2GRAY)
    return [
        sizes,
        int(cv.Canny(grey, 50, 100).sum()),
        int(cv.GaussianBlur(grey, (7, 7), 2).sum()),
        len(cv.ORB_create().detect(grey)),
    ]


def torch() -> Any:
    """Products, convolution, attention, autograd, factorisations, TorchScript, saving."""
    import torch as t

    t.manual_seed(0)
    one, other = t.randn(64, 64), t.randn(64, 64)
    network = t.nn.Sequential(t.nn.Conv2d(3, 8, 3), t.nn.ReLU(), t.nn.Flatten(), t.nn.Linear(8 * 36, 4))
    loss = network(t.randn(5, 3, 8, 8)).square().mean()
    loss.backward()
    kept = io.BytesIO()
    t.save(network.state_dict(), kept)
    kept.seek(0)
    attention = t.nn.functional.scaled_dot_product_attention(one[None], other[None], one[None])
    scripted = t.jit.script(network)(t.ones(1, 3, 8, 8))
    found = [
        one @ other,
        loss,
        network[0].weight.grad,
        t.linalg.svd(one)[1],
        t.fft.rfft(one).abs(),
        attention,
        scripted,
    ]
    return [float(value.sum()) for value in found] + [len(t.load(kept))]


def tokenizers() -> Any:
    """A byte-pair vocabulary trained on a text, and the text in it."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.train_from_iterator(
        ["small images start sooner than large images"] * 20, trainers.BpeTrainer(vocab_size=300)
    )
    return [tokenizer.get_vocab_size(), tokenizer.encode("large images start").tokens]


def yaml() -> Any:
    """Written and read by the C library."""
    import yaml as y

    value = {"a": [1, 2.5, "three"], "b": {"c": None}}
    return [y.load(y.dump(value, Dumper=y.CSafeDumper), Loader=y.CSafeLoader) == value]


TASKS: dict[str, Callable[[], Any]] = {
    task.__name__: task for task in (numpy, scipy, sklearn, pandas, pyarrow, onnxruntime, cv2, torch, tokenizers, yaml)
}


def rounded(value: Any) -> Any:
    """With numbers to six digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return [rounded(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    print(json.dumps(rounded(TASKS[sys.argv[1]]())))
