"""Ending what runs beside the rest."""

import asyncio
import logging
from typing import Any

log = logging.getLogger("kap.tasks")


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel until each has ended: `wait_for`, as nats-py uses it, may forget a cancel in Python 3.11.

    Who is cancelled while they wait here, as by another `ended` around this one, still ends after them.
    """
    pending, cancelled = set(tasks), False
    while pending:
        for task in pending:
            task.cancel()
        try:
            done, pending = await asyncio.wait(pending, timeout=0.5)
        except asyncio.CancelledError:
            cancelled = True
            continue
        for task in done:
            if not task.cancelled() and (error := task.exception()):
                log.debug("ended with an error", exc_info=error)
    if cancelled:
        raise asyncio.CancelledError
