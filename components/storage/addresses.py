"""Addresses as they may be shown: whatever is printed, logged, tagged or stored carries no password."""

import re

_USER = re.compile(r"""([A-Za-z][\w+.-]*://)[^\s/:@'"]*(?::[^\s@'"]*)?@(?:[^\s/@'"]*@)*""")
"""User and password in front of a host. Both may hold letters that a strict reader would refuse."""
_VALUE = re.compile(
    r"""(?i)([?&;][^\s=&;'"]*(?:pass|pwd|token|secret|credential|signature|key)[^\s=&;'"]*=)[^\s&;'"]*"""
)


def shown(text: str) -> str:
    """The text with every address in it bare of user, password and of parameters that are named like a secret."""
    return _VALUE.sub(r"\1…", _USER.sub(r"\1", text))
