"""Tells loom what each pytest test came to: one JSON object per line, in the file named by LOOM_RESULTS."""

import pytest

_ADDED = "-p loom_pytest --continue-on-collection-errors"
if _ADDED in os.environ.get("PYTEST_ADDOPTS", ""):
    _rest = os.environ["PYTEST_ADDOPTS"].partition(_ADDED)[0].strip()
    if _rest:
        os.environ["PYTEST_ADDOPTS"] = _rest
    else:
        del os.environ["PYTEST_ADDOPTS"]


def _file(item_or_path):
    path = getattr(item_or_path, "path", None) or getattr(item_or_path, "fspath", None) or item_or_path
    return str(path)


def _frames(excinfo):
    frames = []
    try:
        for entry in excinfo.traceback:
            frames.append([str(entry.path), entry.lineno + 1, entry.name])
    except Exception:  # a traceback that cannot be walked says nothing
        pass
    return frames[-60:]


def _limited(item):
    """Ends a phase of a test at its limit by an exception in it. No thread: some suites mind every one."""
    # A plugin of the repository that does the same keeps its signal.
    if not _may_ring() or item.config.pluginmanager.hasplugin("timeout"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    _arm(True)
    yield
    _arm(False)
    signal.signal(signal.SIGALRM, before)


class _Collector:
    """The hooks; `writer` is None in a worker of pytest-xdist, whose controller writes."""

    def __init__(self, writer, root):
        self.writer = writer
        self.root = root
        self.files = {}

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item):
        yield from _limited(item)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item):
        yield from _limited(item)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item):
        yield from _limited(item)

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
        done = _done()
        if done:
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
    if _RESULTS and not hasattr(config, "workerinput"):
        writer = _Writer(_RESULTS)
        writer.say(k="start", root=root, python=sys.version.split()[0])
    config.pluginmanager.register(_Collector(writer, root), "loom-collector")
