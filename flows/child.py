"""`python -m flows.child MODULE ARG…`: run a module in this process, tied to the life of the one that started it.

The kernel keeps the wish across exec, so the module need not know of it. Started in a session of its own, the child
does not get the Ctrl-C that is meant for the run.
"""

import os
import sys

from components.storage.lifeline import die_with_parent

if __name__ == "__main__":
    die_with_parent()
    os.execv(sys.executable, [sys.executable, "-P", "-m", *sys.argv[1:]])
