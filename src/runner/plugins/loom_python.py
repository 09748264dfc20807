"""What loom's parts for pytest and unittest share. It stands in front of either of them in one file: nothing of loom's is
imported, so nothing of the repository can stand in for it."""

import json
import os
import signal
import sys
import threading

# Taken out of the environment, so that a runner started by a test does not write into the same file.
_RESULTS = os.environ.pop("LOOM_RESULTS", None)
_ORDER = os.environ.pop("LOOM_ORDER", None)
_LIMIT = float(os.environ.pop("LOOM_CASE_LIMIT", 0) or 0)
_DONE = os.environ.pop("LOOM_DONE", None)
_MOST = 20000


def _cut(text):
    text = str(text)
    return text if len(text) <= _MOST else text[: _MOST // 2] + "\n[... cut ...]\n" + text[-_MOST // 2 :]


class _Writer:
    def __init__(self, path):
        # Opened before any code of the repository runs, and kept open: the tests may change folder or umask.
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.pid = os.getpid()

    def say(self, **line):
        if os.getpid() != self.pid:  # a forked child of a test
            return
        data = (json.dumps(line, default=str) + "\n").encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self.fd, data) :]


def _done():
    """Ids of the tests that an earlier run has told of."""
    if not _DONE:
        return set()
    with open(_DONE, encoding="utf-8") as lines:
        return set(lines.read().split("\n"))


def _loaded(root):
    """Where the packages that the tree defines were loaded from."""
    found = {}
    foreign = set(getattr(sys, "stdlib_module_names", ())) | {"conftest", "setup", "tests", "test", "testing", "docs", "noxfile"}
    bases = [root] + [os.path.join(root, name) for name in ("src", "lib", "python")]
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if "." in name or name in foreign or not isinstance(path, str):
            continue
        if any(os.path.isfile(os.path.join(base, name, "__init__.py")) or os.path.isfile(os.path.join(base, name + ".py")) for base in bases):
            found[name] = path
    return found


class LoomCaseLimit(BaseException):
    """A test ran longer than one test may."""


def _ring(*_):
    raise LoomCaseLimit(f"still running after {_LIMIT:g} seconds")


def _arm(on):
    """Sets or ends both clocks: again and again, should the test catch it, and by the time burnt on every processor for
    code that does not come back to Python."""
    signal.setitimer(signal.ITIMER_REAL, _LIMIT if on else 0, 1.0 if on else 0)
    signal.setitimer(signal.ITIMER_VIRTUAL, _LIMIT * (os.cpu_count() or 1) * 1.2 + 2 if on else 0)


def _may_ring():
    return _LIMIT and threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")


