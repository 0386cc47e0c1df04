"""Owns the words of Compose: its progress lines, plain or JSON, and its errors, made into steps and one line. Pure.

Sources: https://github.com/docker/compose, pkg/progress (v2) and cmd/display (v5), and BuildKit's plain progress.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from console.snapshots import Progress

GOOD = frozenset(
    {"created", "started", "running", "healthy", "exited", "stopped", "killed", "removed", "restarted", "built"}
    | {"pulled", "recreated", "paused", "unpaused", "exists"}
)
BAD = frozenset({"error", "unhealthy"})
WORDS = {"waiting": "waiting until it is healthy"}
LONGEST = 300

_PLAIN = re.compile(r'^ ?(?:DRY-RUN MODE - )?(Container|Network|Volume|Image|Service) "?(\S+?)"?  ?(\S.*)$')
_BARE = re.compile(r"^ ?(\S+)  ?(Pulling|Pulled|Building|Built|Error|Warning|Skipped.*)\s*$")
_BUILD = re.compile(r"^#\d+ \[([^\]]+?) (\d+)/(\d+)\] (.+)$")
_LAYER = re.compile(
    r"^ ?([0-9a-f]{12}) (Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|"
    r"Pull complete|Already exists|Retrying in .*?)\s*(?:\[[=> ]*\]\s*([\d.]+)([kMGT]?B)/([\d.]+)([kMGT]?B))?\s*$"
)
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_NOISE = re.compile(r"^(#\d+ |\s*$|time=)")
_LOGRUS = re.compile(r'^time="[^"]*" level=(\w+) msg="(.*)"$')


class Step(NamedTuple):
    """What a line of Compose tells.

    Attributes:
        kind: "container", "network", "volume", "image", "service", "build"; "layer" of an image that is pulled, with
            bytes in `done` and `total`; "warning" or "error" with the text in `word`; "" for nothing of interest.
        name: of the thing.
        word: what becomes of it, as Compose says it.
        parent: the service whose image a layer belongs to, where that is told.
    """

    kind: str
    name: str = ""
    word: str = ""
    done: int = 0
    total: int = 0
    parent: str = ""


NOTHING = Step("")


def parse(line: str) -> Step:
    """One line of output, in whichever form this version of Compose writes it."""
    line = line.rstrip()
    if line.startswith("{"):
        return _from_json(line)
    if found := _PLAIN.match(line):
        kind, name, word = found.groups()
        return Step(kind.lower(), name, word.strip())
    if found := _BUILD.match(line):
        stage, done, total, what = found.groups()
        return Step("build", stage.split(" ")[0], what, int(done), int(total))
    if found := _LOGRUS.match(line):
        level, text = found.groups()
        return Step("error" if level in ("error", "fatal") else "warning", word=text.replace('\\"', '"'))
    if found := _LAYER.match(line):
        layer, word, done, unit, total, of = found.groups()
        return Step("layer", layer, word, _size(done, unit), _size(total, of))
    if found := _BARE.match(line):
        return Step("service", found[1], found[2].strip())
    return NOTHING if _NOISE.match(line) else Step("error", word=line.strip())


def _size(number: str | None, unit: str | None) -> int:
    return int(float(number) * _BYTES[unit]) if number and unit else 0


def _from_json(line: str) -> Step:
    try:
        found: Any = json.loads(line)
    except ValueError:
        return Step("error", word=line)
    if found.get("error") or found.get("level") in ("error", "fatal"):
        return Step("error", word=str(found.get("message") or found.get("msg") or found.get("error")))
    if "msg" in found:
        return Step("warning", word=str(found["msg"]))
    name = str(found.get("id", ""))
    status, text = str(found.get("status", "")), str(found.get("text", ""))
    word = text if status in ("Working", "Done", "Warning", "Error") else status or text
    if status == "Error" and found.get("details"):
        word = f"Error {found['details']}"
    if parent := str(found.get("parent_id") or ""):
        done, total = int(found.get("current") or 0), int(found.get("total") or 0)
        return Step("layer", name, text or status, done, total, parent)
    if not name:
        # A line meant for a person to read at the end.
        return parse(text) if found.get("tail") or text.startswith("#") else NOTHING
    kind, _, rest = name.partition(" ")
    counted = (int(found.get("current") or 0), int(found.get("total") or 0))
    if rest and kind in ("Container", "Network", "Volume", "Image", "Service"):
        return Step(kind.lower(), rest.strip('"'), word, *counted)
    return Step("service", name, word, *counted)


def progress(step: Step, service: str = "") -> Progress | None:
    """What the operator is shown of a step; None for what needs no word."""
    if step.kind == "build":
        return Progress(_short(f"building: {step.word}"), service or step.name, step.done, step.total)
    if step.kind == "warning":
        return Progress(_short(step.word))
    if step.kind in ("", "error", "layer"):
        return None
    first = step.word.split(" ")[0].lower()
    ok = True if first in GOOD else False if first in BAD else None
    word = WORDS.get(first, step.word if ok is False else step.word.lower())
    if step.kind == "container":
        return Progress(_short(word), service, ok=ok) if service else None
    if step.kind == "service":
        return Progress(_short(word), step.name, step.done, step.total, ok)
    return Progress(_short(f"{step.kind} {step.name} {word}"), ok=ok)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


class Refusal(NamedTuple):
    """Why Compose failed: one line, and what to do about it. `away`: no engine answered."""

    text: str
    hint: str = ""
    away: bool = False


_HINTS = (
    (
        re.compile(r"required variable (\w+) is missing a value"),
        "{0} is not set in {env}.",
        "Fill it in there; .env.example beside it says how.",
    ),
    (re.compile(r"couldn't find env file: (.*)"), "There is no {env}.", "Copy .env.example to it and fill it in."),
    (re.compile(r"[Bb]ind for \S*?:(\d+) failed"), "Port {0} is taken by another program.", "Set PORT in {env}."),
    (
        re.compile(r"listen tcp\S* \S*?:(\d+): bind: address already in use"),
        "Port {0} is taken by another program.",
        "Set PORT in {env}.",
    ),
    (
        re.compile(r'container name "/?(\S+?)" is already in use'),
        "The container {0} belongs to another stack on this engine.",
        "Take that one down first.",
    ),
    (re.compile(r"container (\S+) is unhealthy"), "{0} does not become healthy.", "leadsctl logs shows why."),
    (re.compile(r"container (\S+) exited \((\d+)\)"), "{0} exited with code {1}.", "leadsctl logs shows why."),
    (re.compile(r"no such service: (\S+)"), "There is no service {0}.", ""),
    (
        re.compile(r'"(\S+)" service is using the custom container name'),
        "A container name of its own keeps {0} from having several replicas.",
        "",
    ),
    (re.compile(r"(?:pull access denied|manifest) ?.*?for (\S+?)[,:]? "), "The image {0} cannot be had.", ""),
)


def refusal(lines: list[str], code: int, env: str = ".env") -> Refusal:
    """The reason out of the lines that were no progress. `env` is what the settings file is called."""
    text = "\n".join(lines)
    if "Cannot connect to the Docker daemon" in text or "error during connect" in text:
        return Refusal("", away=True)
    for pattern, message, hint in _HINTS:
        if found := pattern.search(text):
            words = found.groups()
            return Refusal(message.format(*words, env=env), hint.format(*words, env=env))
    last = next((line for line in reversed(lines) if line.strip()), f"exit code {code}")
    return Refusal(_short(f"Compose failed: {last.removeprefix('Error response from daemon: ')}"))
