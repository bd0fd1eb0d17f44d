"""Documentation, native code, models, data and secrets."""

import pytest

from slimml.bloat.detectors.native import strippable
from slimml.bloat.finding import Action, Risk

SITE = "usr/local/lib/python3.11/site-packages"
MB = 1 << 20


def test_documentation_goes_and_copyright_stays(make, found, paths):
    inventory = make.inventory(
        [
            {
                "usr/share/doc/x/README.gz": 5,
                "usr/share/doc/x/copyright": 5,
                "usr/share/man/man1/x.1.gz": 5,
                "usr/share/info/x": 5,
            }
        ]
    )
    assert paths(inventory, found(inventory)["documentation"]) == [
        "usr/share/doc/x/README.gz",
        "usr/share/info/x",
        "usr/share/man/man1/x.1.gz",
    ]


def test_translations_go_but_english_and_the_images_own_language(make, found, paths):
    files = [f"usr/share/locale/{name}/LC_MESSAGES/x.mo" for name in ("de", "en_GB", "fr", "pt_BR")]
    inventory = make.inventory([dict.fromkeys(files, 500)], runtime={"Env": ["LANG=fr_FR.UTF-8"]})
    assert paths(inventory, found(inventory)["translations"]) == [files[0], files[3]]


def test_symbols_are_told_by_their_bytes(make, found):
    inventory = make.inventory(
        [{"opt/a.so": make.file(900_000, debug=200_000, form="elf-shared"), "opt/b.so": 900_000}]
    )
    finding = found(inventory)["unstripped"]
    assert (finding.action, finding.disk_bytes, finding.rows.tolist()) == (Action.SHRINK, 200_000, [0])


@pytest.mark.parametrize("path", ["usr/lib/debug/a.so", "opt/a.so.debug", "lib/modules/6/a.ko"])
def test_files_for_debuggers_and_the_kernel_are_no_waste(make, found, path):
    inventory = make.inventory([{path: make.file(900_000, debug=200_000, form="elf-shared")}])
    assert "unstripped" not in found(inventory)


@pytest.mark.parametrize("beside", ["usr/lib/.libgcrypt.so.20.hmac", "usr/lib/libgcrypt.so.20.hmac"])
def test_libraries_that_check_themselves_are_no_waste(make, found, beside):
    inventory = make.inventory(
        [{"usr/lib/libgcrypt.so.20": make.file(900_000, debug=200_000, form="elf-shared"), beside: 64}]
    )
    assert "unstripped" not in found(inventory)


def test_symbols_of_libraries_that_may_not_be_changed_are_no_waste(make, found):
    inventory = make.inventory([{"opt/libcublas.so.12": make.file(900_000, debug=200_000, form="elf-shared")}])
    assert "unstripped" not in found(inventory)


def test_a_distribution_that_says_proprietary_keeps_its_symbols(make, found):
    info = f"{SITE}/closed-1.dist-info"
    files = {
        f"{SITE}/closed/a.so": make.file(900_000, debug=200_000, form="elf-shared"),
        f"{info}/METADATA": make.holding(b"Name: closed\nClassifier: License :: Other/Proprietary License\n"),
    }
    inventory = make.inventory([files], {make.dist("closed", place=info): [f"{SITE}/closed", info]})
    assert "unstripped" not in found(inventory)


def test_symbols_of_libraries_that_may_not_be_changed_can_be_asked_for(make):
    inventory = make.inventory([{"opt/libcublas.so.12": make.file(900_000, debug=200_000, form="elf-shared")}])
    assert strippable(inventory, proprietary=True).tolist() == [0]


GPU = {f"{SITE}/torch/lib/libtorch_cuda.so": 5 * MB, f"{SITE}/nvidia/cublas/lib/libcublas.so.12": 7 * MB}


def test_gpu_code_is_asked_about_where_nothing_speaks_of_a_gpu(make, found):
    inventory = make.inventory([GPU], {make.dist("nvidia-cublas-cu12"): [f"{SITE}/nvidia"]})
    finding = found(inventory)["gpu-code"]
    assert (finding.action, finding.risk, finding.disk_bytes) == (Action.TELL, Risk.ASK, 12 * MB)


def test_an_image_that_is_meant_for_gpus_is_not_asked(make, found):
    assert "gpu-code" not in found(make.inventory([GPU], runtime={"Env": ["NVIDIA_VISIBLE_DEVICES=all"]}))


def test_cuda_of_the_system_beside_that_of_wheels_is_told(make, found, paths):
    system = "usr/local/cuda-12.1/lib64/libcublas.so.12.1.3"
    runtime = {"Env": ["NVIDIA_VISIBLE_DEVICES=all"]}
    inventory = make.inventory([GPU | {system: 6 * MB, "usr/local/cuda-12.1/lib64/libnpps.so.12": MB}], runtime=runtime)
    assert paths(inventory, found(inventory)["cuda-twice"]) == [system]


def test_of_several_frameworks_all_but_the_largest_count(make, found):
    inventory = make.inventory(
        [{f"{SITE}/torch/a.so": 9 * MB, f"{SITE}/tensorflow/b.so": 4 * MB, f"{SITE}/onnxruntime/c.so": 2 * MB}],
        {make.dist(name): [f"{SITE}/{name}"] for name in ("torch", "tensorflow", "onnxruntime")},
    )
    finding = found(inventory)["frameworks"]
    assert (finding.disk_bytes, finding.action) == (6 * MB, Action.TELL)
    assert finding.title.startswith("3 frameworks: torch")


def models_of(make, found, paths, files, *frameworks):
    owners = {make.dist(name): [f"{SITE}/{name}"] for name in frameworks}
    inventory = make.inventory([files | {f"{SITE}/{name}/x.py": 5 for name in frameworks}], owners)
    findings = found(inventory)
    return {rule: paths(inventory, finding) for rule, finding in findings.items() if rule.startswith("model-")}


def test_safetensors_supersede_the_older_format(make, found, paths):
    files = {"m/model.safetensors": 2 * MB, "m/pytorch_model.bin": 2 * MB}
    assert models_of(make, found, paths, files, "torch") == {"model-formats-unused": ["m/pytorch_model.bin"]}


def test_a_format_that_no_installed_framework_loads_is_unused(make, found, paths):
    files = {"m/model.safetensors": 2 * MB, "m/tf_model.h5": 2 * MB, "m/flax_model.msgpack": 2 * MB}
    assert models_of(make, found, paths, files, "torch")["model-formats-unused"] == [
        "m/flax_model.msgpack",
        "m/tf_model.h5",
    ]


def test_formats_that_can_all_be_loaded_are_only_told(make, found, paths):
    files = {"m/model.safetensors": 3 * MB, "m/onnx/model.onnx": 2 * MB}
    assert models_of(make, found, paths, files, "torch", "onnxruntime") == {"model-formats": ["m/onnx/model.onnx"]}


def test_nothing_is_unused_where_no_framework_is_known(make, found, paths):
    files = {"m/model.safetensors": 3 * MB, "m/model.onnx": 2 * MB}
    assert "model-formats-unused" not in models_of(make, found, paths, files)


def test_a_hub_snapshots_link_counts_as_the_blob(make, found, paths):
    hub = "root/.cache/huggingface/hub/models--a--b"
    files = {
        f"{hub}/blobs/1": 2 * MB,
        f"{hub}/blobs/2": 3 * MB,
        f"{hub}/snapshots/r/model.safetensors": make.symlink("../../blobs/1"),
        f"{hub}/snapshots/r/pytorch_model.bin": make.symlink("../../blobs/2"),
    }
    unused = models_of(make, found, paths, files, "torch")["model-formats-unused"]
    assert unused == [f"{hub}/blobs/2", f"{hub}/snapshots/r/pytorch_model.bin"]


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        ("training-states", {"m/optimizer.pt": 5 * MB}),
        ("older-checkpoints", {"m/checkpoint-9/a.bin": 5, "m/checkpoint-100/a.bin": 5}),
        ("data-sets", {"data/train.parquet": 5 * MB}),
        ("media-collections", {f"data/cats/{n}.jpg": 50_000 for n in range(600)}),
        ("notebooks", {"app/try.ipynb": 50}),
    ],
)
def test_data_and_leftovers_of_training_are_asked_about(make, found, rule, files):
    finding = found(make.inventory([files]))[rule]
    assert finding.risk is Risk.ASK
    assert finding.rows[0] == 0


def test_of_checkpoints_the_last_by_number_stays(make, found, paths):
    inventory = make.inventory([{"m/checkpoint-9/a": 5, "m/checkpoint-100/a": 5}])
    assert paths(inventory, found(inventory)["older-checkpoints"]) == ["m/checkpoint-9/a"]


def test_a_distributions_own_data_is_no_data_set(make, found):
    assert "data-sets" not in found(make.inventory([{f"{SITE}/sklearn/datasets/x.csv": 5 * MB}]))


@pytest.mark.parametrize(
    "path",
    ["app/.env", "root/.ssh/id_rsa", "root/.aws/credentials", "root/.netrc", "app/service-account.json", "app/tls.key"],
)
def test_secrets_are_told_by_name(make, found, paths, path):
    inventory = make.inventory([{path: 300}])
    finding = found(inventory)["secret-files"]
    assert (finding.action, finding.risk, paths(inventory, finding)) == (Action.TELL, Risk.ASK, [path])


@pytest.mark.parametrize(
    "path",
    [
        "root/.ssh/id_rsa.pub",
        "app/.env.example",
        "etc/ssl/certs/ca.pem",
        f"{SITE}/certifi/cacert.pem",
        f"{SITE}/tornado/test/test.key",
        "app/cert.pem",
    ],
)
def test_what_is_public_is_no_secret(make, found, path):
    assert "secret-files" not in found(make.inventory([{path: 300}]))


def test_contents_that_were_read_decide(make, found, paths):
    inventory = make.inventory(
        [
            {
                "app/a.pem": make.holding(b"-----BEGIN RSA PRIVATE KEY-----\nx"),
                "app/b.pem": make.holding(b"-----BEGIN CERTIFICATE-----\nx"),
                "root/.npmrc": make.holding(b"//npm.example/:_authToken=abc"),
                "app/c.key": make.holding(b"just a letter"),
            }
        ]
    )
    assert paths(inventory, found(inventory)["secret-files"]) == ["app/a.pem", "root/.npmrc"]


def test_variables_are_told_by_name_and_never_by_value(make, found):
    inventory = make.inventory(
        [{"a": 5}],
        runtime={
            "Env": ["DB_PASSWORD=topsecret", "TOKENIZERS_PARALLELISM=false", "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8"]
        },
        steps=["ARG HF_TOKEN=topsecret", "RUN |1 API_KEY=topsecret /bin/sh -c make"],
    )
    finding = found(inventory)["secret-variables"]
    assert finding.title == "Variables that look like secrets: API_KEY, DB_PASSWORD, HF_TOKEN"
    assert "topsecret" not in repr(finding)


@pytest.mark.parametrize(("user", "told"), [("", True), ("root", True), ("0:0", True), ("app", False), ("1000", False)])
def test_running_as_root_is_told(make, found, user, told):
    assert ("runs-as-root" in found(make.inventory([{"a": 5}], runtime={"User": user}))) is told


def test_a_variables_name_cannot_reach_a_terminal_with_escapes(make, found):
    inventory = make.inventory([{"a": 5}], runtime={"Env": ["\x1b[31mA_TOKEN=topsecret"]})
    assert found(inventory)["secret-variables"].title.endswith("??31mA_TOKEN")
