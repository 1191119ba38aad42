"""Stages as forks of one process (a fork server) that has imported what they need: each would take seconds for it.

A run starts that process and names it in its environment; the door asks it for a fork and waits for it. Where there is none,
as after a bare `dvc repro`, or where it does not answer, the door does the stage itself: the same function, the same bytes.
"""

import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from components.storage.lifeline import die_with_parent

ADDRESS = "UNIMED_FORK_SERVER"
"""The name of its socket, which lies in no folder: it goes when the process does, and may be as long as it is."""
IMPORTS: dict[str, tuple[str, ...]] = {
    "validate": ("pandas", "pyarrow.parquet", "great_expectations.expectations"),
    "judge": ("torch",),
    "start": ("torch", "diffusers.models.autoencoders.autoencoder_kl"),
    "train": ("torch", "ray.train.torch", "diffusers.models.autoencoders.autoencoder_kl"),
    "predict": ("torch", "diffusers.models.autoencoders.autoencoder_kl"),
    "predict-exam": ("torch", "diffusers.models.autoencoders.autoencoder_kl"),
    "predict-checkpoint": ("torch", "diffusers.models.autoencoders.autoencoder_kl"),
    "evaluate": ("torch", "pandas"),
}
"""Stage -> what its functions import when they are called."""
PATIENCE_SECONDS = 10.0
"""A request comes at once, in one piece; who sends half of one is not waited for."""
_PEER, _LENGTH, _NUMBER = struct.Struct("iII"), struct.Struct("<I"), struct.Struct("<i")

Work = Callable[[list[str], float], int]
"""What a fork does with the door's arguments and the moment at which its caller began; its exit code."""


def ask(argv: Sequence[str], began: float) -> int | None:
    """The exit code of a fork that did this stage; None where there is nobody to ask.

    What this process is told (SIGTERM, SIGINT) the fork is told as SIGTERM; it dies when this process does, and a signal that
    kills it kills this process too.
    """
    name = os.environ.get(ADDRESS)
    if not name:
        return None
    told, fork = list[int](), list[int]()

    def tell(*_: object) -> None:
        told.append(1)
        for pid in fork:
            os.kill(pid, signal.SIGTERM)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.connect(f"\0{name}")
        except OSError:
            return None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, tell)
        request = {"argv": list(argv), "began": began, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        try:
            _send(line, json.dumps(request).encode())
            pid = _number(line)
            if not pid:
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, signal.SIG_DFL)
                return None
            fork.append(pid)
            if told:
                os.kill(pid, signal.SIGTERM)
            code = os.waitstatus_to_exitcode(_number(line))
        except OSError:
            code = -signal.SIGKILL  # the process that it was forked from is gone, and took it along
    return code if code >= 0 else _die_of(-code)


def _die_of(number: int) -> int:
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def _receive(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """(what is asked, the descriptors that came along). Raises ConnectionError for another user's."""
    _, uid, _ = _PEER.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    if uid != os.getuid():
        raise ConnectionError(f"user {uid} is not ours")
    length, descriptors, *_ = socket.recv_fds(line, _LENGTH.size, 3)
    return json.loads(_exactly(line, *_LENGTH.unpack(length))), descriptors


def _send(line: socket.socket, request: bytes) -> None:
    socket.send_fds(line, [_LENGTH.pack(len(request))], [0, 1, 2])
    line.sendall(request)


def _number(line: socket.socket) -> int:
    return _NUMBER.unpack(_exactly(line, _NUMBER.size))[0]


def _exactly(line: socket.socket, size: int) -> bytes:
    """So many bytes; raises ConnectionError where the other side ends before."""
    found = b""
    while len(found) < size:
        if not (more := line.recv(size - len(found))):
            raise ConnectionError("the other side is gone")
        found += more
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """A stage at work, and the line to whoever waits for it."""

    pid: int
    pidfd: int
    line: socket.socket


@dataclass(slots=True)
class ForkServer:
    """The process that is forked. It has one thread, and nothing was computed in it: a fork finds all locks open."""

    folder: str
    """The workspace: whoever asks from elsewhere is refused, for it may want other threads."""
    prepare: Callable[[str], object]
    """Imports what the door calls for a stage."""
    work: Work
    _pid: int = field(default_factory=os.getpid, init=False)
    _ready: set[str] = field(default_factory=set, init=False)
    _forks: set[Fork] = field(default_factory=set, init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector, init=False)

    def serve(self, name: str) -> None:
        """Answer until this process is killed."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, self._selector:
            listener.bind(f"\0{name}")
            listener.listen()
            self._selector.register(listener, selectors.EVENT_READ, partial(self._take, listener))
            while True:
                for key, _ in self._selector.select():
                    key.data()

    def _take(self, listener: socket.socket) -> None:
        """Fork for whoever asks."""
        line, _ = listener.accept()
        line.settimeout(PATIENCE_SECONDS)
        descriptors: list[int] = []
        try:
            request, descriptors = _receive(line)
            pid = 0
            if request["folder"] == self.folder:
                self._import_for(request["argv"][0])
                if not (pid := os.fork()):
                    line.close()
                    self._be_the_stage(request, descriptors)
                self._wait_for(Fork(pid, os.pidfd_open(pid), line))
            line.sendall(_NUMBER.pack(pid))
        except (
            OSError,
            struct.error,
        ) as error:  # gone while it asked; a fork that it has is ended as its line is seen closed
            print(f"a stage asked and left: {error}", file=sys.stderr)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            if not any(fork.line is line for fork in self._forks):
                line.close()

    def _wait_for(self, fork: Fork) -> None:
        self._forks.add(fork)
        self._selector.register(fork.line, selectors.EVENT_READ, partial(self._left, fork))
        self._selector.register(fork.pidfd, selectors.EVENT_READ, partial(self._ended, fork))

    def _left(self, fork: Fork) -> None:
        """Whoever waited is gone, for it says no more than it has: nobody wants the stage."""
        if fork in self._forks:
            self._selector.unregister(fork.line)
            os.kill(fork.pid, signal.SIGKILL)

    def _ended(self, fork: Fork) -> None:
        """Tell who waits how it ended."""
        self._forks.discard(fork)
        _, status = os.waitpid(fork.pid, 0)
        with suppress(OSError):  # it may be gone
            fork.line.sendall(_NUMBER.pack(status))
        for waited in (fork.pidfd, fork.line):
            with suppress(KeyError):  # the line of somebody who left
                self._selector.unregister(waited)
        os.close(fork.pidfd)
        fork.line.close()

    def _import_for(self, stage: str) -> None:
        """Import what the stage needs, once; what fails here fails in the fork, where it is written down."""
        if stage in self._ready:
            return
        self._ready.add(stage)
        try:
            self.prepare(stage)
            for module in IMPORTS.get(stage, ()):
                import_module(module)
        except Exception:
            traceback.print_exc()
        gc.freeze()  # its pages stay one with the forks'

    def _be_the_stage(self, request: dict[str, Any], descriptors: Sequence[int]) -> None:
        """In the fork: become what the door is in a process of its own, and end."""
        code = 1
        try:
            die_with_parent()
            if os.getppid() != self._pid:
                os._exit(code)
            for own, given in enumerate(descriptors):
                os.dup2(given, own)
            os.chdir(request["folder"])
            os.environ.clear()
            os.environ.update(request["environment"])
            code = self.work(request["argv"], request["began"])
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
