"""Nothing needs the network: tests run without, and so does all that they start."""

import multiprocessing
import socket
import subprocess
import sys

import pytest

CONNECT = "import socket; socket.create_connection(('192.0.2.1', 9))"
ASK = "import urllib.request; urllib.request.urlopen('http://example.org')"


@pytest.mark.parametrize("code", [CONNECT, ASK])
def test_no_test_and_nothing_that_it_starts_reaches_the_network(code):
    with pytest.raises(OSError, match="tests use no network"):
        exec(code)  # noqa: S102 - our own
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "tests use no network" in done.stderr
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        pytest.raises(OSError, match="tests use no network"),
    ):
        datagrams.sendto(b"x", ("192.0.2.1", 9))


def test_processes_of_one_machine_talk(tmp_path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        client.connect(str(tmp_path / "socket"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    ours, theirs = multiprocessing.Pipe()
    ours.send("word")
    assert theirs.recv() == "word"


POSIX = ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty")

HIDE = f"""
import builtins, importlib, pkgutil, sys

plain = builtins.__import__

def hiding(name, scope=None, *arguments):
    importer = (scope or {{}}).get("__name__", "")
    if name in {POSIX!r} and importer.startswith("flopbench"):
        raise ImportError(f"{{importer}} wants {{name}}, which not every system has")
    return plain(name, scope, *arguments)

builtins.__import__ = hiding
found = [module.name for module in pkgutil.iter_modules()]
for package in [name for name in found if name.startswith("flopbench")]:
    importlib.import_module(package)
    for module in pkgutil.walk_packages(sys.modules[package].__path__, f"{{package}}."):
        if not module.name.endswith(("__main__", "ncu_child", "plugins")):
            importlib.import_module(module.name)
            print(module.name)
"""


def test_all_modules_load_where_posix_is_not():
    done = subprocess.run([sys.executable, "-c", HIDE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert {"flopbench.resume.lock", "flopbench_deepseek_ocr.image"} <= set(loaded)
    assert len(loaded) > 150
