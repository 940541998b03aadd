"""within: an answer in time, from a library that may wait for ever."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from widthwise.errors import WidthwiseError

T = TypeVar("T")


def within(seconds: float, ask: Callable[[], T], late: WidthwiseError) -> T:
    """What ``ask`` gives or raises, or after so many seconds ``late``; a thread that is busy then is left behind."""
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # whatever it is, it belongs to the thread that waits for it
            answer.set_exception(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer.done():
        raise late
    return answer.result()
