"""Whether an error says that a disk is full, in whose words ever: the kernel's, SQLite's, Rust's or those of a log line."""

import errno

WORDS = ("no space left on device", "database or disk is full", "disk quota exceeded", "os error 28", "errno 28")
ADVICE = "the disk is full: free some space (`unimed gc` helps) and start the same command again"


def says_full(text: str) -> bool:
    """Whether the words are those of a full disk."""
    lower = text.lower()
    return any(words in lower for words in WORDS)


def is_full(error: BaseException) -> bool:
    """Whether the error, or what caused it, is a full disk."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        if isinstance(link, OSError) and link.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if says_full(str(link)):
            return True
        seen.append(link)
        link = link.__cause__ or link.__context__
    return False
