"""`make prove ONLY=registry`: eight people in three workspaces decide at once about one registry, log and MLflow's store in
PostgreSQL; sessions that hold the lease are ended in the middle; somebody who is none of them watches."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from flows.loopback import free_port
from tests.fixtures.micro import UNIMED, clean_environment
from tests.fixtures.postgresql import binaries, server
from tests.fixtures.registry_workspace import make_workspace
from tests.proofs.outcome import FAILED, NOT_TRIED, PASSED
from tests.proofs.registry_watching import Watch, champion_after, champion_alias

FIRST = (
    "import os; from mlflow import MlflowClient; MlflowClient(os.environ['MLFLOW_TRACKING_URI']).search_experiments()"
)
"""MLflow makes its tables, which it does not do well from several processes at once."""
ROOT = Path(__file__).parents[2]
WORKSPACES, VERSIONS, SHELLS = 3, 2, 4
TOLD = {
    "somebody else decides at this moment": r": held by (unimed .* pid \d+ on |a session that has ended since)",
    "the champion became another meanwhile": r"somebody decided meanwhile|somebody decides at the same time",
    "is champion already": r"is champion already",
    "does not wait for approval": r"is not waiting for approval \(",
    "was judged against another champion": r"was judged against ",
    "there is nothing to go back to": r"nothing to roll back to: ",
    "the session was ended, nothing was decided": r"ended the session that .* nothing was decided",
    "the session was ended, the decision stands": r"is written and stands",
    "no version bears the alias": r"unknown version 'challenger'",
    "spoke already": r"spoke for version",
}
"""What those who did not get their way were told -> how it is known. Anything else is a failure of the proof."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--by-command", type=int, default=24)
    parser.add_argument("--workspaces", type=Path, nargs="*", help="finished ones; without them three are made")
    parser.add_argument("--end", type=int, default=12, help="sessions to end in the middle")
    arguments = parser.parse_args()
    if binaries() is None:
        print("PostgreSQL is not installed here")
        return NOT_TRIED
    with tempfile.TemporaryDirectory(prefix="unimed-registry-") as temporary, server() as url:
        plain = url.replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as session:
            session.execute("CREATE DATABASE mlflow")
        store = url.removesuffix("/unimed") + "/mlflow"
        os.environ.update(MLFLOW_TRACKING_URI=store, UNIMED_DATABASE_URL=url)
        os.environ["MLFLOW_DEFAULT_ARTIFACT_ROOT"] = (Path(temporary) / "artifacts").as_uri()
        roots = arguments.workspaces or _workspaces(Path(temporary))
        _versions(roots)
        watch = Watch(plain, store.replace("+psycopg", ""))
        begun = len(watch.chain())
        calls = _everybody(watch, roots, arguments, Path(temporary))
        wrong = [*watch.wrong, *_lost(watch, calls, begun), *_pooled(roots[0], url)]
        _tell(watch, calls, wrong)
    made = [call for call in calls if call["call"] != "judge"]
    decided = sum("hash" in call for call in made)
    print(
        f"{len(made)} calls, {decided} decided, {len(made) - decided} told why not; {watch.polls} looks, one champion in "
        f"each; {len(watch.ended)} sessions ended; {'; '.join(wrong)[:600] if wrong else 'chain whole, no decision lost'}"
    )
    return FAILED if wrong else PASSED


def _workspaces(folder: Path) -> list[Path]:
    """Three finished workspaces."""
    first = folder / "one"
    make_workspace(first)
    roots = [first, *(folder / name for name in ("two", "three"))][:WORKSPACES]
    for root in roots[1:]:
        shutil.copytree(first, root, symlinks=True)
    return roots


def _versions(roots: list[Path]) -> None:
    """Two versions of each workspace in one registry; the workspaces register at once."""
    subprocess.run([sys.executable, "-c", FIRST], env=_environment(), check=True)
    begun = time.monotonic()
    people = []
    for root in roots:
        names = [f"weights {root.name} {number}" for number in range(VERSIONS)]
        people.append(_python("tests.proofs.registry_person", root, "versions", *names))
    assert [person.wait() for person in people] == [0] * len(roots), "no versions"
    print(f"{len(roots)} workspaces, {VERSIONS} versions each, after {time.monotonic() - begun:.0f} s", flush=True)


def _everybody(watch: Watch, roots: list[Path], arguments: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """All calls, with the watcher and whoever ends sessions beside them; what each call came to."""
    stop, begun = threading.Event(), time.monotonic()
    beside = [
        threading.Thread(target=watch.keep_looking, args=(stop,)),
        threading.Thread(target=watch.end_holders, args=(stop, arguments.end, 3.0)),
    ]
    for thread in beside:
        thread.start()
    people = []
    for number in range(arguments.people):
        share = arguments.calls // arguments.people + (number < arguments.calls % arguments.people)
        words = (f"person-{number}", number, share, folder / f"{number}.jsonl")
        people.append(_python("tests.proofs.registry_person", roots[number % len(roots)], *words))
    with ThreadPoolExecutor(SHELLS) as shells:
        told = list(shells.map(lambda n: _by_command(roots[n % len(roots)], n), range(arguments.by_command)))
    ends = [person.wait() for person in people]
    stop.set()
    for thread in beside:
        thread.join()
    if any(ends):
        watch.wrong.append(f"people ended with {ends}")
    print(f"{time.monotonic() - begun:.0f} s for all calls", flush=True)
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [*(json.loads(line) for line in lines), *told]


def _by_command(root: Path, number: int) -> dict[str, Any]:
    """One call by the command line, as a person at a shell makes it."""
    command = (["rollback"], ["promote", str(1 + number % (WORKSPACES * VERSIONS))], ["approve", "challenger"])[
        number % 3
    ]
    words = [UNIMED, *command, "--why", f"command {number}", "--json"]
    if number % 2:
        subprocess.run([UNIMED, "models", "--json"], cwd=root, env=_environment(), capture_output=True, check=False)
    done = subprocess.run(words, cwd=root, env=_environment(), capture_output=True, text=True, check=False)
    said: dict[str, Any] = {"call": command[0], "who": "shell"}
    if done.returncode == 0:
        entry = json.loads(done.stdout)
        return said | {"sequence": entry["sequence"], "hash": entry["hash"]}
    return said | {"error": f"exit {done.returncode}", "message": done.stderr.strip()}


def _lost(watch: Watch, calls: list[dict[str, Any]], begun: int) -> Iterator[str]:
    """What does not add up between the calls' answers, the log and the alias."""
    rows = watch.chain()
    by_sequence = {sequence: written for sequence, _, written in rows}
    for call in calls:
        if "hash" in call and by_sequence.get(call["sequence"]) != call["hash"]:
            yield f"{call['call']} of {call['who']} was told decision {call['sequence']}, which the log does not have"
        if "message" in call and kind_of(call["message"]) is None:
            yield f"{call['call']} of {call['who']} was told {call['error']}: {call['message'][:200]}"
    answered = {call["sequence"] for call in calls if "hash" in call}
    stands = {
        int(found[1]) for call in calls if (found := re.search(r"decision (\d+) .* stands", call.get("message", "")))
    }
    known = answered | stands
    for sequence, body, _ in rows[begun:]:
        if sequence not in known:
            yield f"entry {sequence} ({json.loads(body)['action']}) is nobody's answer"
    if champion_alias(watch.mlflow) != champion_after(rows):
        yield f"at the end the alias is {champion_alias(watch.mlflow)}, the log says {champion_after(rows)}"


def kind_of(message: str) -> str | None:
    """Which of the sentences it is."""
    text = " ".join(message.split())
    return next((kind for kind, pattern in TOLD.items() if re.search(pattern, text)), None)


def _pooled(root: Path, url: str) -> Iterator[str]:
    """The same command through a pooler in transaction mode must be refused by name, and in session mode work."""
    if shutil.which("pgbouncer") is None:
        print("a pooler before the database: not tried, pgbouncer is not installed")
        return
    for mode, expected in (("transaction", "a pooler in transaction mode stands before"), ("session", "")):
        with _pgbouncer(url, mode) as through:
            words = [UNIMED, "promote", "1", "--why", "through a pooler", "--json"]
            subprocess.run([UNIMED, "models", "--json"], cwd=root, env=_environment(), capture_output=True, check=False)
            environment = {**_environment(), "UNIMED_DATABASE_URL": through}
            done = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, check=False)
        said = " ".join(done.stderr.split())
        print(f"through pgbouncer by {mode}: exit {done.returncode} {said[:110]}", flush=True)
        if (expected not in said) if expected else (done.returncode and "is champion already" not in said):
            yield f"through pgbouncer by {mode}: {said[:200]}"


@contextmanager
def _pgbouncer(url: str, mode: str) -> Iterator[str]:
    port, own = free_port(), int(url.rpartition(":")[2].partition("/")[0])
    with tempfile.TemporaryDirectory(prefix="unimed-pooler-") as folder:
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\nunimed = host=127.0.0.1 port={own} dbname=unimed user=unimed\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\nunix_socket_dir =\n"
        )
        as_user: list[str] = []
        if os.geteuid() == 0:
            for path in (Path(folder), settings):
                shutil.chown(path, "postgres")
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        words = [*as_user, str(shutil.which("pgbouncer")), "-q", str(settings)]
        with subprocess.Popen(words, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as pooler:
            time.sleep(2)
            try:
                yield url.replace(f":{own}/", f":{port}/")
            finally:
                pooler.terminate()


def _tell(watch: Watch, calls: list[dict[str, Any]], wrong: list[str]) -> None:
    """The figures, one a line."""
    for kind in ("promote", "approve", "rollback", "judge"):
        of_kind = [call for call in calls if call["call"] == kind]
        print(f"{kind}: {len(of_kind)} calls, {sum('hash' in call for call in of_kind)} decided")
    told = Counter(kind_of(call["message"]) or "UNTOLD" for call in calls if "message" in call)
    for kind, count in told.most_common():
        print(f"told that {kind}: {count}")
    print(f"log: {len(watch.chain())} entries; {watch.polls} looks, {watch.behind} of them between log and alias")
    print(f"sessions ended while they held the lease: {len(watch.ended)} ({', '.join(sorted(set(watch.ended)))[:300]})")
    for line in wrong:
        print(f"WRONG: {line}")


def _python(module: str, *words: object) -> "subprocess.Popen[bytes]":
    # From where the tests are: a workspace's stages leave this process in the workspace.
    return subprocess.Popen([sys.executable, "-m", module, *map(str, words)], env=_environment(), cwd=ROOT)


def _environment() -> dict[str, str]:
    names = ("MLFLOW_TRACKING_URI", "UNIMED_DATABASE_URL", "MLFLOW_DEFAULT_ARTIFACT_ROOT")
    own = {name: os.environ[name] for name in names}
    return clean_environment(**own, PREFECT_HOME=tempfile.gettempdir())


if __name__ == "__main__":
    sys.exit(main())
