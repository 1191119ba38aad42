"""A disk that is only read: whoever only looks goes on without what he would have noted."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unless_read_only() -> Iterator[None]:
    """Ends the block early, without an error, where it writes to a disk that is only read."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
