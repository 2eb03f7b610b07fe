"""What was made for a request is let go of by a worker."""

import threading
from concurrent.futures import ThreadPoolExecutor

from service.web.http.leaving import Kept


class Large:
    """Says which thread lets go of it."""

    def __init__(self, threads: list[threading.Thread]) -> None:
        self._threads = threads

    def __del__(self) -> None:
        self._threads.append(threading.current_thread())


def let_go_by(workers: ThreadPoolExecutor) -> list[threading.Thread]:
    threads: list[threading.Thread] = []
    kept = Kept(workers)
    kept.add(Large(threads))
    assert threads == []
    kept.let_go()
    workers.shutdown(wait=True)
    del kept
    return threads


def test_a_worker_lets_go_of_what_was_made_for_a_request() -> None:
    (thread,) = let_go_by(ThreadPoolExecutor(1))
    assert thread is not threading.current_thread()


def test_what_is_left_when_the_workers_have_stopped_is_let_go_of_quietly() -> None:
    workers = ThreadPoolExecutor(1)
    workers.shutdown()
    assert let_go_by(workers) == [threading.current_thread()]
