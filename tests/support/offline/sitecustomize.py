"""No network: every Python process that has this folder on its path refuses to connect.

Python imports this module by itself when it starts, and so do the processes that tests start.
Sockets that do not leave this machine (AF_UNIX and loopback), which processes talk through, work.
"""

import sys

_CONNECTING = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_ASKING = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_HERE = {"127.0.0.1", "::1", "localhost"}


class NetworkError(ConnectionError):
    """A test, or what it ran, wanted to use the network."""


def _refuse(event, arguments):
    if event in _ASKING and arguments[0] not in _HERE:
        raise NetworkError(f"{event}: tests use no network, wanted {arguments[0]!r}")
    # An address of one machine is a path; others are tuples.
    if event in _CONNECTING and isinstance(arguments[1], tuple) and arguments[1][0] not in _HERE:
        raise NetworkError(f"{event}: tests use no network, wanted {arguments[1]!r}")


sys.addaudithook(_refuse)
