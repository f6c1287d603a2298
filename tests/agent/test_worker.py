"""A thread that works when there is something to do, and that no fault ends."""

import threading

import pytest

from agent.worker import Worker

SOON = 10.0  # seconds; a test that waits this long has failed


class Heap:
    """Work in portions of one; the first `faults` portions fail."""

    def __init__(self, faults: int = 0) -> None:
        self.waiting = 0
        self.faults = faults
        self.done = threading.Semaphore(0)

    def portion(self) -> bool:
        if self.faults:
            self.faults -= 1
            raise OSError("the disk is full")
        if self.waiting == 0:
            return False
        self.waiting -= 1
        self.done.release()
        return True


def test_what_waits_at_the_start_is_done_and_what_comes_after_a_wake() -> None:
    heap = Heap()
    heap.waiting = 3
    worker = Worker("heap", heap.portion, idle=3600)
    worker.start()
    assert all(heap.done.acquire(timeout=SOON) for _ in range(3))
    heap.waiting = 1
    worker.wake()
    assert heap.done.acquire(timeout=SOON)
    worker.stop()


def test_a_fault_is_logged_and_the_work_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    heap = Heap(faults=2)
    heap.waiting = 1
    worker = Worker("heap", heap.portion, idle=0.01)
    worker.start()
    assert heap.done.acquire(timeout=SOON)
    worker.stop()
    assert [record.message.partition(": ")[2] for record in caplog.records] == ["heap failed and tries again"] * 2


def test_it_ends_when_it_is_told_to() -> None:
    worker = Worker("heap", Heap().portion, idle=3600)
    worker.start()
    worker.stop()
    assert "heap" not in {thread.name for thread in threading.enumerate()}
