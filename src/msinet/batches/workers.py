"""Worker processes that load batches ahead: a pipe each, no shared memory, no locks.

Whatever happens to a worker, its pipe ends, and the process that waits for it goes on.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")
Load = Callable[[T], Sequence[np.ndarray]]
"""Loads one batch: the same arrays in any process."""


class WorkerError(Exception):
    """A worker that could not be started, or that ended before its time; the message says how."""


class Workers(Generic[T]):
    """Processes that load batches: of `count`, each loads every `count`-th one and holds one ready.

    A process finds its batches by itself, and is sent nothing. The pipes need no room in /dev/shm, which is small in
    containers, and each process three open files. A batch takes about as long as through shared memory.

    Args:
        load: loads a batch; it is pickled where the system does not fork.
        wanted: what to load, batch after batch; every process goes through all of it.
        first: number of the first batch that is loaded.
        count: number of processes.
        pinned: whether the tensors lie in pinned memory, from which a GPU copies while it computes.

    Raises:
        WorkerError: a process cannot be started.
    """

    def __init__(self, load: Load[T], wanted: Iterable[T], first: int, count: int, pinned: bool = False) -> None:
        self.pinned = pinned
        self.pipes: list[Connection] = []
        self.processes: list[multiprocessing.Process] = []
        try:
            for worker in range(count):
                with _interrupts_blocked():
                    self._start(load, wanted, first + worker, count)
        except OSError as error:  # Too many open files or processes, or too little memory for one more.
            self.close()
            raise WorkerError(f"a worker cannot be started ({error.strerror})") from error

    def _start(self, load: Load[T], wanted: Iterable[T], first: int, count: int) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        self.pipes.append(ours)
        # A fork inherits these ends. It has to close them, or the workers before would not notice that this process ended.
        inherited = self.pipes if multiprocessing.get_start_method() == "fork" else []
        work = (load, wanted, first, count, theirs, inherited)
        process = multiprocessing.Process(target=_work, args=work, daemon=True)
        try:
            process.start()
        finally:
            theirs.close()
        self.processes.append(process)

    def __enter__(self) -> "Workers[T]":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def batch(self, number: int) -> list[Tensor]:
        """Return a batch by its number from the first that is loaded; they can be had in their order alone.

        Raises:
            WorkerError: the worker that loads it has ended.
        """
        worker = number % len(self.pipes)
        try:
            shapes = self.pipes[worker].recv()
            tensors = [torch.empty(shape, dtype=dtype, pin_memory=self.pinned) for shape, dtype in shapes]
            for tensor in tensors:
                self.pipes[worker].recv_bytes_into(_bytes_of(tensor.numpy()))
        except (EOFError, OSError) as error:
            raise WorkerError(self._end_of(worker)) from error
        return tensors

    def _end_of(self, worker: int) -> str:
        process = self.processes[worker]
        process.join(1)
        code = process.exitcode or 0
        if code == -signal.SIGKILL:
            return "a worker was killed, probably for lack of memory"
        return f"a worker was killed by {signal.Signals(-code).name}" if code < 0 else "a worker could not load a batch"

    def close(self) -> None:
        """End all processes at once."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join()
            process.close()
        for pipe in self.pipes:
            pipe.close()
        self.pipes, self.processes = [], []


def _work(load: Load[T], wanted: Iterable[T], first: int, step: int, pipe: Connection, inherited: list[Connection]) -> None:
    """Load batches and send them, until all are sent or nobody waits for more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The main process handles Ctrl-C.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
    for end in inherited:
        end.close()
    torch.set_num_threads(1)
    with suppress(BrokenPipeError):
        for batch in islice(wanted, first, None, step):
            try:
                arrays = load(batch)
            except Exception:  # The main process loads this batch itself, and meets the same error.
                raise SystemExit(1) from None
            pipe.send([(array.shape, torch.from_numpy(array).dtype) for array in arrays])
            for array in arrays:
                pipe.send_bytes(_bytes_of(array))


def _bytes_of(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let Ctrl-C wait: a process that has just started would print a traceback."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
