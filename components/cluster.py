"""Ray: the cluster that RAY_ADDRESS names, or one of our own on this machine; and work spread over it in order."""

import os
import shutil
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from components.storage.made_with import ARITHMETIC

if TYPE_CHECKING:
    import ray

Given = TypeVar("Given")
Made = TypeVar("Made")
OBJECT_STORE_BYTES = 200 * 2**20
"""Of a cluster of our own."""
SOCKET_LIMIT, SOCKET_NAME = 107, len("/session_2026-11-30_12-00-00_000000_4194304/sockets/plasma_store.1")
"""The most letters in the name of a Unix socket, and how many of them Ray takes below its folder."""
MOST_AT_ONCE = 64
"""Tasks that wait or run: what they are given lies in memory."""
SOURCE = Path(__file__).parents[1]
"""The folder of our packages."""
PROBE_SECONDS = 120.0
"""How long nodes may take to say what they see; the first task on a node fetches our code."""
LEAVING_SECONDS = 10.0
_GCS_PATIENCE = ("RAY_gcs_rpc_server_reconnect_timeout_s", "600")
"""By default Ray ends this process from within when the head is silent for a minute; we leave before, in order."""
RETRIES = 3
"""How often a task is given to another node when its own was lost."""
_CARRIED = (*ARITHMETIC, "HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM")


def has_cluster() -> bool:
    """Whether somebody named a cluster, as all of Ray is told: by RAY_ADDRESS."""
    return bool(os.environ.get("RAY_ADDRESS"))


def temporary_folder() -> Path:
    """Where a cluster of our own keeps sockets and logs: a folder of this user's, short enough for the names of sockets.

    Raises ValueError when there is none: the temporary folder's name is too long, and /tmp is not to be written.
    """
    candidates = list(dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"))))
    for base in candidates:
        folder = base / f"ray-{os.getuid()}"
        if len(str(folder)) + SOCKET_NAME <= SOCKET_LIMIT and os.access(base, os.W_OK):
            return folder
    longest = SOCKET_LIMIT - SOCKET_NAME - len(f"/ray-{os.getuid()}")
    raise ValueError(
        f"no folder for Ray's sockets: {candidates[0]} has {len(str(candidates[0]))} letters, at most {longest} leave room "
        "for their names, and /tmp is not to be written; set TMPDIR to a short folder"
    )


def short_of_shared_memory() -> str:
    """A sentence where /dev/shm has no room for what workers of our own hand each other; empty where it has."""
    shared = Path("/dev/shm")
    free = shutil.disk_usage(shared).free if shared.is_dir() else 0
    if free >= OBJECT_STORE_BYTES:
        return ""
    return (
        f"/dev/shm has {free / 1e6:.0f} MB free, workers hand each other up to {OBJECT_STORE_BYTES / 1e6:.0f} MB there: they will "
        "use the disk, which is slow; give a container more (docker run --shm-size=512m), or set compute.workers to 0"
    )


def start_ray(workers: int, threads: int) -> None:
    """Joins the named cluster, which gets our code, else starts one with room for so many workers. Processor level and threads
    go along; keys and addresses of servers do not: nodes have their own."""
    import ray

    variables = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    variables |= {name: os.environ[name] for name in _CARRIED if name in os.environ}
    if has_cluster():
        os.environ.setdefault(*_GCS_PATIENCE)
        ray.init(runtime_env={"env_vars": variables, **_code()}, log_to_driver=False)
        return
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")]))
    environment = {"env_vars": variables | {"PYTHONPATH": path}}
    ray.init(
        address="local",  # without it Ray joins, or stumbles over, whatever cluster somebody else has on this machine
        _temp_dir=str(temporary_folder()),
        num_cpus=max(workers, 1) * threads + 1,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=OBJECT_STORE_BYTES,
        runtime_env=environment,
    )


def leave_ray() -> None:
    """Leaves the cluster, or ends our own; where nobody answers any more this is not waited for."""
    import ray

    thread = threading.Thread(target=ray.shutdown, daemon=True)
    thread.start()
    thread.join(LEAVING_SECONDS)


def choose_interface() -> None:
    """Called in every process of a job on a named cluster: gloo and NCCL listen where the other nodes reach this one, not where
    its host name points to, unless the node's environment says otherwise."""
    import psutil
    from ray.util import get_node_ip_address

    address = get_node_ip_address()
    for name, found in psutil.net_if_addrs().items():
        if address in {one.address for one in found}:
            for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
                os.environ.setdefault(variable, name)


def blind_nodes(sees: Callable[[], bool]) -> list[str]:
    """The addresses of the cluster's nodes on which `sees()` is false, or that do not say so within PROBE_SECONDS."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def looks() -> bool:
        return sees()

    look = ray.remote(num_cpus=0, max_retries=0)(looks)
    hosts = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    asked = {
        look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(): host
        for node, host in hosts.items()
    }
    answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=PROBE_SECONDS)
    return sorted({asked[one] for one in [*silent, *(one for one in answered if not _says_yes(one))]})


def _says_yes(answer: "ray.ObjectRef[bool]") -> bool:
    import ray
    from ray.exceptions import RayError

    try:
        return ray.get(answer)
    except RayError as error:  # a node that was lost meanwhile
        print(f"a node did not say what it sees: {error}")
        return False


def _code() -> dict[str, Any]:
    """Our code as nodes get it: what they have installed is in their image, and may be of another day."""
    return {
        "py_modules": [str(SOURCE / name) for name in ("components", "model")],
        "excludes": ["**/__pycache__", "**/sources/shipped", "**/sources/shipped_starts"],
        "worker_process_setup_hook": f"{__name__}.{choose_interface.__name__}",
    }


def in_order(
    work: Callable[[Given], Made], jobs: Iterable[Given], threads: int, waiting: Callable[[], None]
) -> Iterator[Made]:
    """`work(job)` of each job in their order, as Ray tasks on the named cluster: as many at once as it has
    processors.

    `work` is a pure function, so that a lost node costs nothing but time. `waiting` is called every second and may raise.
    """
    import ray

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    start_ray(0, threads)
    for number, handler in handlers.items():  # Ray has put its own there; ours save what a stage has
        signal.signal(number, handler)
    try:
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(work)
        at_once = min(MOST_AT_ONCE, max(2, int(ray.cluster_resources().get("CPU", 0))))
        running = deque[ray.ObjectRef]()

        def first() -> Made:
            while not ray.wait([running[0]], timeout=1)[0]:
                waiting()
            return ray.get(running.popleft())

        for job in jobs:
            running.append(task.remote(job))
            if len(running) >= at_once:
                yield first()
        while running:
            yield first()
    finally:
        ray.shutdown()
