"""Steps of a long computation, with the rest of the meter at work between them."""

import asyncio


async def drive(steps):
    """Return what a generator of bounded steps returns, with everybody else at work between."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
        await asyncio.sleep(0)
