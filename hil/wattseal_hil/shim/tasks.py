"""TaskQueue and Task for asyncio, in place of the C module `_asyncio`, which reads the real clock.

Behaviour as the C one: a queue is ordered by `ph_key` (ticks_ms), first come first served within
one tick; `state` is True (running), False or None (done), a callable, or a queue of waiting tasks.
"""

from time import ticks_diff, ticks_ms


class TaskQueue:
    def __init__(self):
        self._q = []

    def peek(self):
        return self._q[0] if self._q else None

    def push(self, task, key=None):
        task.data = None
        task.ph_key = key = ticks_ms() if key is None else key
        q = self._q
        i = len(q)
        while i and ticks_diff(key, q[i - 1].ph_key) < 0:
            i -= 1
        q.insert(i, task)

    def pop(self):
        return self._q.pop(0)

    def remove(self, task):
        self._q.remove(task)


class Task:
    def __init__(self, coro, core):
        self.coro = coro
        self.data = None
        self.state = True
        self.ph_key = 0
        self._core = core  # globals of asyncio.core

    def __iter__(self):
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        elif type(self.state) is not TaskQueue:
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        if not self.state:
            raise self.data
        current = self._core["cur_task"]
        self.state.push(current)
        current.data = self

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        core = self._core
        if self is core["cur_task"]:
            raise RuntimeError("can't cancel self")
        while isinstance(self.data, Task):
            self = self.data
        if hasattr(self.data, "remove"):
            self.data.remove(self)
            core["_task_queue"].push(self)
        elif ticks_diff(self.ph_key, ticks_ms()) > 0:
            core["_task_queue"].remove(self)
            core["_task_queue"].push(self)
        self.data = core["CancelledError"]
        return True
