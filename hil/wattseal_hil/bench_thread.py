"""A thread that serves file descriptors, and calls from other threads between them."""

import contextlib
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from wattseal_hil.errors import BoardError


class BenchThread:
    """Everything but `call` and `close` runs in its own thread, once `_begin` has started that."""

    def __init__(self) -> None:
        self._calls: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._closing = False
        self._gate = threading.Lock()
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_r, False)
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._listen(self._wake_r, self._take_calls)
        self._thread = threading.Thread(target=self._loop, name="wattseal-board", daemon=True)

    def _begin(self) -> None:
        self._thread.start()

    # What a bench does

    def _advance(self) -> float:
        """Do what is due; seconds until this is worth asking again (-1: an event)."""
        raise NotImplementedError

    def _broke(self, error: Exception) -> None:
        """Something raised, and the thread ends."""
        raise NotImplementedError

    def _end(self) -> None:
        """The thread ends: let go of everything."""
        raise NotImplementedError

    # Calls from other threads

    def call(self, function: Callable[[], Any]) -> Any:
        """Run `function` in the bench's thread and return what it returns."""
        future: Future[Any] = Future()
        with self._gate:
            if self._closing:
                raise BoardError("board-closed")
            self._calls.append((function, future))
            os.write(self._wake_w, b"!")
        return future.result()

    def close(self) -> None:
        """End the thread and everything with it. May be called twice."""
        with contextlib.suppress(BoardError):
            self.call(self._stop)
        self._thread.join()

    def _stop(self) -> None:
        with self._gate:
            self._closing = True

    # The loop

    def _listen(self, fd: int, handler: Callable[[], None]) -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, select.EPOLLIN)

    def _forget(self, fd: int) -> None:
        self._epoll.unregister(fd)
        del self._handlers[fd]

    def _loop(self) -> None:
        timeout = -1.0
        try:
            while not self._closing:
                for fd, _ in self._epoll.poll(timeout):
                    if handler := self._handlers.get(fd):
                        handler()
                timeout = self._advance()
        except Exception as error:  # a load that raises, for one: whoever waits must hear of it
            self._broke(error)
        finally:
            self._release()

    def _release(self) -> None:
        with self._gate:
            self._closing = True
        self._end()
        for _, future in self._calls:
            future.set_exception(BoardError("board-closed"))
        self._epoll.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _take_calls(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_r, 4096)
        while self._calls:
            function, future = self._calls.popleft()
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)
