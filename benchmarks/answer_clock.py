"""The first answer of a service by other means than slimml's: bash's clock around curl, which also asks the engine.

Used by independent_clock.py. Both sides start the same container without a network and enter its namespace, so that it
makes no difference how an engine's network is set up; that takes root.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from slimml.bench.first_answer import choose_question
from slimml.bench.gate import learn_gate
from slimml.bench.page_cache import make_cold
from slimml.bench.rounds import interleaved
from slimml.bench.start import measure_start
from slimml.engine.choose import find_engine
from slimml.oci.locate import locate
from slimml.oci.transfer import Access, open_image
from slimml.probes.probe import HttpProbe, Suite
from slimml.probes.read import read_suite

OURS, OUTSIDE = "slimml", "outside"

# Everything is done by curl and the shell: one curl asks the engine, the loop runs inside the container's network,
# entered once. Until the port is open no process is made, which would take a processor from the service. What the clock
# itself is made of is read before it starts: after the caches were dropped that takes time.
LOOP = r"""
set -e
{ curl --version; nsenter --version; bash -c 'sleep 0'; } > /dev/null
ask=(-sS --fail --unix-socket "$SOCKET")
begun=$EPOCHREALTIME
said=$(curl "${ask[@]}" -H 'Content-Type: application/json' -d "$REQUEST" "http://engine/containers/create?name=$NAME" \
  --next "${ask[@]}" -X POST "http://engine/containers/$NAME/start" \
  --next "${ask[@]}" "http://engine/containers/$NAME/json")
[[ $said =~ \"Pid\":([0-9]+) ]]
export pid=${BASH_REMATCH[1]}
nsenter --net="/proc/$pid/ns/net" bash -c '
  exec 9<> <(:)
  again() { kill -0 "$pid" || exit 1; read -rt 0.005 -u 9 || :; }
  until : <> "/dev/tcp/127.0.0.1/$PORT"; do again; done 2> /dev/null
  until curl -s --fail -o "$PLACE/answer" "$@"; do again; done' bash "$@"
ended=$EPOCHREALTIME
echo "$(( (${ended/./} - ${begun/./}) ))"
"""


def curl_words(question: HttpProbe, place: Path) -> list[str]:
    """The question as curl takes it."""
    words = ["-X", question.method]
    for name, value in question.headers.items():
        words += ["-H", f"{name}: {value}"]
    if question.body is not None:
        (place / "body").write_bytes(question.body)
        words += ["--data-binary", f"@{place}/body"]
    return [*words, f"http://127.0.0.1:{question.port}{question.path}"]


def answer_outside(socket: str, image: str, question: HttpProbe, suite: Suite) -> float:
    """Seconds from asking the engine for a container to the last byte of the first answer."""
    request: dict[str, object] = {"Image": image, "HostConfig": {"NetworkMode": "none"}}
    if suite.environment:
        request["Env"] = [f"{name}={value}" for name, value in suite.environment.items()]
    if suite.argv is not None:
        request["Cmd"] = list(suite.argv)
    with tempfile.TemporaryDirectory() as place:
        name = f"answer-clock-{secrets.token_hex(4)}"
        environment = {
            "SOCKET": socket,
            "REQUEST": json.dumps(request),
            "PLACE": place,
            "NAME": name,
            "PORT": str(question.port),
        }
        command = ["bash", "-c", LOOP, "bash", *curl_words(question, Path(place))]
        try:
            said = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | environment)
        finally:
            url = f"http://engine/containers/{name}?force=true&v=true"
            subprocess.run(
                ["curl", "-sS", "--unix-socket", socket, "-X", "DELETE", url], check=True, capture_output=True
            )
        answer = (Path(place) / "answer").read_text("utf-8", "replace")
    assert all(text in answer for text in question.contains), f"a wrong answer: {answer[:200]}"
    return int(said.stdout.split()[-1]) / 1e6


def answer_pairs(image: str, engine: str, probes: Path, rounds: int, *, cold: bool) -> Iterator[tuple[str, int, float]]:
    """Who timed, the round, the seconds to the first right answer."""
    access = Access(engine=engine)
    suite = replace(read_suite(probes), network=False)
    question = choose_question(suite)
    assert isinstance(question, HttpProbe), "an independent clock needs a request to ask"
    running = find_engine("docker", access)
    with running.prepare(open_image(locate(f"docker-daemon:{image}"), access)) as prepared:
        gate = learn_gate(running, prepared, suite, question)
        for turn in interleaved([OURS, OUTSIDE], rounds, warm_up=1):
            if turn.subject == OURS:
                found = measure_start(running, prepared, suite, cold=cold, question=question, gate=gate)
                assert found.failure is None, found.failure
                seconds = found.seconds
            else:
                if cold:
                    make_cold()
                seconds = answer_outside(engine.removeprefix("unix://"), prepared.handle, question, suite)
            told = "warm-up" if turn.warm_up else f"round {turn.round}"
            print(f"first answer, {told}, {turn.subject}: {seconds:.3f} s", file=sys.stderr)
            if not turn.warm_up:
                yield turn.subject, turn.round, seconds
