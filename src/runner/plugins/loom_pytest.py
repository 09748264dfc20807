"""Tells loom what each pytest test came to: one JSON object per line, in the file named by LOOM_RESULTS."""

import json
import os
import signal
import sys
import threading

import pytest

# Taken out of the environment, so that a pytest started by a test does not write into the same file.
_PATH = os.environ.pop("LOOM_RESULTS", None)
_ORDER = os.environ.pop("LOOM_ORDER", None)
_LIMIT = float(os.environ.pop("LOOM_CASE_LIMIT", 0) or 0)
_DONE = os.environ.pop("LOOM_DONE", None)
_ADDED = "-p loom_pytest --continue-on-collection-errors"
if _ADDED in os.environ.get("PYTEST_ADDOPTS", ""):
    _rest = os.environ["PYTEST_ADDOPTS"].partition(_ADDED)[0].strip()
    if _rest:
        os.environ["PYTEST_ADDOPTS"] = _rest
    else:
        del os.environ["PYTEST_ADDOPTS"]

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


def _file(item_or_path):
    path = getattr(item_or_path, "path", None) or getattr(item_or_path, "fspath", None) or item_or_path
    return str(path)


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


def _frames(excinfo):
    frames = []
    try:
        for entry in excinfo.traceback:
            frames.append([str(entry.path), entry.lineno + 1, entry.name])
    except Exception:  # a traceback that cannot be walked says nothing
        pass
    return frames[-60:]


class LoomCaseLimit(BaseException):
    """A test ran longer than one test may."""


class _Alarm:
    """Ends a phase of a test at its limit by an exception in it. No thread: some suites mind every one. Code that does not
    come back to Python is ended with its process, once it has burnt the limit on every processor."""

    def ring(self, *_):
        raise LoomCaseLimit(f"still running after {_LIMIT:g} seconds")

    def around(self, item):
        main = threading.current_thread() is threading.main_thread()
        # A plugin of the repository that does the same keeps its signal.
        if not _LIMIT or not main or not hasattr(signal, "setitimer") or item.config.pluginmanager.hasplugin("timeout"):
            yield
            return
        before = signal.signal(signal.SIGALRM, self.ring)
        # Again and again, should the test catch it.
        signal.setitimer(signal.ITIMER_REAL, _LIMIT, 1.0)
        signal.setitimer(signal.ITIMER_VIRTUAL, _LIMIT * (os.cpu_count() or 1) * 1.2 + 2)
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGALRM, before)


class _Collector:
    """The hooks; `writer` is None in a worker of pytest-xdist, whose controller writes."""

    def __init__(self, writer, root):
        self.writer = writer
        self.root = root
        self.files = {}
        self.alarm = _Alarm()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item):
        yield from self.alarm.around(item)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item):
        yield from self.alarm.around(item)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item):
        yield from self.alarm.around(item)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        try:
            report = outcome.get_result()
            told = {"file": _file(item)}
            if call.excinfo is not None:
                kind = call.excinfo.type
                told["exc"] = kind.__name__
                told["mro"] = [one.__name__ for one in kind.__mro__]
                told["msg"] = _cut(call.excinfo.exconly())
                told["frames"] = _frames(call.excinfo)
            report.loom = told
        except Exception:  # never a reason for a test to end otherwise
            pass

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        if _ORDER == "reversed":
            items.reverse()
        if _DONE:
            with open(_DONE, encoding="utf-8") as lines:
                done = set(lines.read().split("\n"))
            items[:] = [item for item in items if item.nodeid not in done]

    def pytest_runtest_logstart(self, nodeid, location):
        if self.writer:
            self.writer.say(k="begin", id=nodeid)

    def pytest_runtest_logreport(self, report):
        if not self.writer:
            return
        told = getattr(report, "loom", None) or {}
        skipped = None
        if report.outcome == "skipped" and isinstance(report.longrepr, tuple) and len(report.longrepr) == 3:
            skipped = str(report.longrepr[2])
        self.writer.say(
            k="phase",
            id=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            secs=getattr(report, "duration", None),
            xfail=getattr(report, "wasxfail", None),
            skipped=skipped,
            long=_cut(report.longreprtext) if report.outcome == "failed" else None,
            printed=[[name, _cut(text)] for name, text in report.sections] if report.outcome == "failed" else [],
            context=str(getattr(report, "context", "")) or None,
            **told,
        )

    def pytest_collectreport(self, report):
        if self.writer and report.outcome == "failed":
            self.writer.say(k="collect-failed", id=report.nodeid, long=_cut(report.longreprtext))
        elif self.writer and report.outcome == "skipped":
            longrepr = report.longrepr
            reason = longrepr[2] if isinstance(longrepr, tuple) and len(longrepr) == 3 else longrepr
            self.writer.say(k="collect-skipped", id=report.nodeid, long=_cut(reason))

    def pytest_internalerror(self, excrepr):
        if self.writer:
            self.writer.say(k="internal", long=_cut(excrepr))

    def pytest_sessionfinish(self, session, exitstatus):
        if self.writer:
            try:
                self.writer.say(k="loaded", loaded=_loaded(self.root))
            except Exception:  # a module may be anything
                pass
            self.writer.say(k="end", exit=int(exitstatus), collected=getattr(session, "testscollected", None))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    writer = None
    root = str(config.rootpath if hasattr(config, "rootpath") else config.rootdir)
    if _PATH and not hasattr(config, "workerinput"):
        writer = _Writer(_PATH)
        writer.say(k="start", root=root, python=sys.version.split()[0])
    config.pluginmanager.register(_Collector(writer, root), "loom-collector")
