"""The service without its garbage collector: python -m tests.web.uncollected logs at SIGUSR1 what waits for it.

What is let go is freed at once, unless it holds itself; that waits for the collector, which looks through all objects
rarely.
"""

import gc
import logging
import signal
from collections import Counter

from service.__main__ import main

MESSAGE = "uncollected"
log = logging.getLogger("watch")


def tell(*_: object) -> None:
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    found = Counter(type(one).__name__ for one in gc.garbage)
    gc.garbage.clear()
    gc.collect()
    log.info(MESSAGE, extra={"fields": {"found": found}})


if __name__ == "__main__":
    gc.disable()
    signal.signal(signal.SIGUSR1, tell)
    main()
