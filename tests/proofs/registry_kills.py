"""`make prove ONLY=registry_kills`: a registration, a promotion, a withdrawal and a rollback, killed with SIGKILL before each of
their writes and called again, on SQLite and on PostgreSQL: each must end as if nobody had killed it."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import psycopg

from tests.fixtures.failpoints import OPERATIONS, Bench, killed_and_again, make_three, saved_files, writes
from tests.fixtures.postgresql import binaries, server
from tests.fixtures.registry_workspace import make_workspace
from tests.proofs.outcome import FAILED, NOT_TRIED, PASSED

DATABASES = ("unimed", "mlflow")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--operation", choices=sorted(OPERATIONS), action="append")
    arguments = parser.parse_args()
    stores, tried, wrong = arguments.store or ["sqlite", "postgresql"], 0, []
    if "postgresql" in stores and binaries() is None:
        print("PostgreSQL is not installed here")
        return NOT_TRIED
    for store in stores:
        with (
            tempfile.TemporaryDirectory(prefix="unimed-kills-") as temporary,
            chdir(temporary),  # what makes a workspace goes into it
            BENCHES[store](Path(temporary)) as bench,
        ):
            for operation in arguments.operation or list(OPERATIONS):
                names, expected = writes(bench, operation)
                print(f"{store}, {operation}: {len(names)} writes", flush=True)
                for at, name in enumerate(names, start=1):
                    begun = time.monotonic()
                    said, found = killed_and_again(bench, operation, at, by_signal=True)
                    tried += 1
                    if found != expected:
                        wrong.append(f"{store}, {operation} killed before {name}: {found}, not {expected}")
                    verdict = "as unbroken" if found == expected else "DIFFERS"
                    print(f"  {at:3} {name}: {verdict} ({said[:60]}; {time.monotonic() - begun:.0f} s)", flush=True)
    for line in wrong:
        print(f"WRONG: {line}")
    print(f"{tried} kills on {' and '.join(stores)}, {tried - len(wrong)} ended as if nobody had been killed")
    return FAILED if wrong else PASSED


@contextmanager
def _sqlite(folder: Path) -> Iterator[Bench]:
    root = folder / "workspace"
    make_workspace(root)
    bench = Bench(root, lambda: None, {"UNIMED_WORKSPACE": str(root)})
    make_three(bench)
    with saved_files(root, folder / "saved") as restore:
        yield Bench(root, restore, bench.environment)


@contextmanager
def _postgresql(folder: Path) -> Iterator[Bench]:
    """Log and MLflow's store in PostgreSQL; brought back from templates, of which each is another database to itself."""
    root = folder / "workspace"
    make_workspace(root)
    with server() as url:
        base = url.removesuffix("/unimed")
        with psycopg.connect(f"{base.replace('+psycopg', '')}/postgres", autocommit=True) as session:
            session.execute("CREATE DATABASE mlflow")
            environment = {
                "UNIMED_WORKSPACE": str(root),
                "UNIMED_DATABASE_URL": url,
                "MLFLOW_TRACKING_URI": f"{base}/mlflow",
                "MLFLOW_DEFAULT_ARTIFACT_ROOT": (root / ".unimed" / "mlflow-artifacts").as_uri(),
            }
            make_three(Bench(root, lambda: None, environment))
            for name in DATABASES:
                session.execute(f"CREATE DATABASE {name}_saved TEMPLATE {name}")
            with saved_files(root, folder / "saved") as restore_files:
                yield Bench(root, _from_templates(session, url, restore_files), environment)


def _from_templates(session: psycopg.Connection, url: str, restore_files: Callable[[], None]) -> Callable[[], None]:
    def restore() -> None:
        for name in DATABASES:
            session.execute(f"DROP DATABASE {name} WITH (FORCE)")
            session.execute(f"CREATE DATABASE {name} TEMPLATE {name}_saved")
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as inside:
            known = (
                "SELECT 'postgresql:' || system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = %s)"
            )
            inside.execute(f"UPDATE unimed_registries SET place = ({known} FROM pg_control_system())", ("unimed",))
        restore_files()

    return restore


BENCHES = {"sqlite": _sqlite, "postgresql": _postgresql}

if __name__ == "__main__":
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    sys.exit(main())
