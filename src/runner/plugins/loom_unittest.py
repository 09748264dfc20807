"""Runs `python -m unittest` and tells loom what each test came to: one JSON object per line in LOOM_RESULTS."""

import time
import traceback
import unittest

_WRITER = _Writer(_RESULTS)
_say = _WRITER.say
if _ORDER == "reversed":
    unittest.TestLoader.sortTestMethodsUsing = staticmethod(lambda one, other: (one < other) - (one > other))
_ROOT = os.getcwd()


def _file(test):
    module = sys.modules.get(type(test).__module__)
    return getattr(module, "__file__", None)


def _error(err):
    kind, value, trace = err
    frames = [[frame.filename, frame.lineno, frame.name] for frame in traceback.extract_tb(trace)][-60:]
    return {
        "mro": [one.__name__ for one in kind.__mro__],
        "msg": _cut("".join(traceback.format_exception_only(kind, value)).strip()),
        "long": _cut("".join(traceback.format_exception(kind, value, trace))),
        "frames": frames,
    }


def _alarm(on):
    """Ends a test at its limit by an exception in it, or with its process where that does not reach it."""
    if _may_ring():
        if on:
            signal.signal(signal.SIGALRM, _ring)
        _arm(on)


def _left(suite, done):
    """The suite without the tests that an earlier run has told of."""
    rest = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            rest.addTest(_left(test, done))
        elif test.id() not in done:
            rest.addTest(test)
    return rest


class _Result(unittest.TextTestResult):
    def _tell(self, test, what, **more):
        name = type(test).__name__
        if name == "_FailedTest":
            what = "load"
        elif name == "_ErrorHolder":
            what = "fixture"
        _say(k=what, id=test.id(), cls=type(test).__qualname__, module=type(test).__module__,
             method=getattr(test, "_testMethodName", None), file=_file(test),
             secs=time.time() - getattr(self, "_began", time.time()), **more)

    def startTest(self, test):
        self._began = time.time()
        self._tell(test, "begin")
        super().startTest(test)
        _alarm(True)

    def addSuccess(self, test):
        self._tell(test, "passed")
        super().addSuccess(test)

    def addFailure(self, test, err):
        self._tell(test, "failed", **_error(err))
        super().addFailure(test, err)

    def addError(self, test, err):
        in_fixture = any(frame[2] in ("setUp", "asyncSetUp", "tearDown", "asyncTearDown", "doCleanups") for frame in _error(err)["frames"])
        self._tell(test, "failed", fixture=in_fixture, **_error(err))
        super().addError(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._tell(test, "failed", context=str(subtest._subDescription()), **_error(err))
        super().addSubTest(test, subtest, err)

    def addSkip(self, test, reason):
        self._tell(test, "skipped", reason=str(reason))
        super().addSkip(test, reason)

    def addExpectedFailure(self, test, err):
        self._tell(test, "skipped", reason="expected failure")
        super().addExpectedFailure(test, err)

    def addUnexpectedSuccess(self, test):
        self._tell(test, "failed", msg="unexpected success", mro=["AssertionError"])
        super().addUnexpectedSuccess(test)

    def stopTest(self, test):
        _alarm(False)
        self._tell(test, "ended")
        super().stopTest(test)

    def stopTestRun(self):
        try:
            _say(k="loaded", loaded=_loaded(_ROOT))
        except Exception:  # a module may be anything
            pass
        _say(k="end", run=self.testsRun)
        super().stopTestRun()


class _Runner(unittest.TextTestRunner):
    resultclass = _Result

    def run(self, test):
        done = _done()
        if done:
            test = _left(test, done)
        return super().run(test)


if __name__ == "__main__":
    sys.argv[0] = "python -m unittest"
    unittest.main(module=None, testRunner=_Runner)
