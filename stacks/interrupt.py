"""What happens when the engine interrupts the program."""

import os
import signal

INTERRUPTED = 130


def exit_quietly() -> None:
    """End at once and without a word when interrupted.

    After a failed resource the engine interrupts the program. Python would answer with a traceback
    of the program's event loop, 26 lines under the one that says what failed. Not for programs
    inside another process, such as those of the Automation API.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
