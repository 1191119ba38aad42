"""What a worker of Ray Train asks of a node, and how many workers the nodes of a cluster have room for."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from components.recipes.training import ComputeSettings

Resources = Mapping[str, float]
"""Of a node, by Ray's names: CPU, GPU, memory in bytes."""
LOOK_SECONDS = 15.0
GIGABYTE = 10**9


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What each worker is given, and nobody else then."""

    cpus: int
    gpus: int
    memory_bytes: int

    @property
    def resources(self) -> dict[str, float]:
        """As Ray takes it."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory_bytes}
        return {name: float(amount) for name, amount in wanted.items() if amount}

    def room(self, nodes: Iterable[Resources]) -> int:
        """How many workers fit on nodes that have this."""
        return sum(min(int(node.get(name, 0) // amount) for name, amount in self.resources.items()) for node in nodes)


def ask_of(compute: ComputeSettings, *, has_gpu: bool) -> Ask:
    """What the recipe wants for a worker, on a cluster with a GPU or without."""
    gpus = {"auto": int(has_gpu), "always": 1, "never": 0}[compute.worker_gpu]
    return Ask(cpus=compute.threads, gpus=gpus, memory_bytes=compute.worker_memory_bytes)


def unmet(ask: Ask, least: int, nodes: Mapping[str, Resources]) -> str:
    """A sentence on what the nodes lack for so many workers; empty where they have it."""
    room = ask.room(nodes.values())
    if room >= least:
        return ""
    has = "; ".join(f"{name} has {_said(found)}" for name, found in sorted(nodes.items()))
    return (
        f"training asks for {least} workers with {_said(ask.resources)} each, and the nodes have room for {room}: {has}; ask for "
        "less (compute.threads, worker_gpu, worker_memory_bytes, workers, missing_workers) or give the cluster more"
    )


def _said(resources: Resources) -> str:
    memory = resources.get("memory", 0) / GIGABYTE
    return f"{resources.get('CPU', 0):g} CPU, {resources.get('GPU', 0):g} GPU and {memory:.1f} GB of memory"


def nodes_of_cluster() -> dict[str, Resources]:
    """Address of each node that lives -> all that it has."""
    import ray

    return {
        f"{node['NodeManagerAddress']} ({node['NodeID'][:6]})": node["Resources"]
        for node in ray.nodes()
        if node["Alive"]
    }


def free_of_cluster() -> list[Resources]:
    """What each node has that nobody was given."""
    from ray._private.state import available_resources_per_node

    return list(available_resources_per_node().values())


class Room:
    """Looks now and then, in a thread (a head that is lost answers nobody), how many more workers would fit."""

    def __init__(self, ask: Ask, free: Callable[[], list[Resources]] = free_of_cluster) -> None:
        self._ask, self._free, self._closed = ask, free, threading.Event()
        self.more = 0
        """As it was twice in a row: what a lost worker leaves behind is there for a moment only."""
        threading.Thread(target=self._look, name="room", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _look(self) -> None:
        before = 0
        while not self._closed.wait(LOOK_SECONDS):
            try:
                now = self._ask.room(self._free())
            except Exception as error:  # whether the head is gone is asked elsewhere
                print(f"the cluster does not say what it has left: {error}")
                now = 0
            before, self.more = now, min(before, now)
