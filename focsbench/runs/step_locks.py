"""The locks of the results that one run is making."""

from __future__ import annotations

from typing import TYPE_CHECKING

from focsbench.runs.plan import Step
from focsbench.runs.store import Store
from focsbench.storage import storage_errors

if TYPE_CHECKING:
    from filelock import BaseFileLock


class StepLocks:
    """Locks by step; other processes wait for what has one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, BaseFileLock] = {}

    def take(self, step: Step, key: str) -> bool:
        """Take the lock of a step's result; return False while another process has it.

        Raises:
            StorageError: if the disk is full or the store cannot be written.
        """
        from filelock import Timeout

        if step.name in self._held:
            return True
        with storage_errors(self._store.root):
            lock = self._store.lock(step.name, key)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return False
            self._held[step.name] = lock
            self._store.keep_sources(step.code_version, step.sources)
        return True

    def release(self, step: str) -> None:
        """Let other processes have the result of a step, if it was locked."""
        lock = self._held.pop(step, None)
        if lock is not None:
            lock.release()

    def release_all(self) -> None:
        """Let other processes make what this one has begun."""
        for step in list(self._held):
            self.release(step)
