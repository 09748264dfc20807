// Tells loom what each test of mocha came to: one JSON object per line, in the file named by LOOM_RESULTS. Loaded by
// `--require`, in the workers of `--parallel` too. A file that does not load is told, and the others still run.
'use strict';
const fs = require('fs');
const path = require('path');

const most = 20000;
const write = fs.writeSync;
const target = process.env.LOOM_RESULTS;
const asked = process.env.LOOM_FILES ? JSON.parse(process.env.LOOM_FILES) : null;
const fd = target ? fs.openSync(target, fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_APPEND, 0o600) : null;

const say = (line) => {
  if (fd === null) return;
  const data = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < data.length; ) at += write(fd, data, at, data.length - at);
};
const cut = (text) => {
  const whole = String(text ?? '');
  return whole.length <= most ? whole : `${whole.slice(0, most / 2)}\n[... cut ...]\n${whole.slice(-most / 2)}`;
};

const own = (object, key) => {
  try {
    return object?.[key];
  } catch {
    return undefined;
  }
};
const told = (error) => ({
  name: own(error, 'name') ?? null,
  code: own(error, 'code') ?? null,
  message: cut(own(error, 'message') ?? error),
  stack: cut(own(error, 'stack')),
  compared: error !== null && typeof error === 'object' && 'expected' in error && 'actual' in error,
});

const numbers = new WeakMap();
let count = 0;
const number = (test) => {
  if (!numbers.has(test)) numbers.set(test, `${process.pid}-${(count += 1)}`);
  return numbers.get(test);
};
const titles = (test) => {
  const names = [];
  for (let at = test; at && !at.root; at = at.parent) names.unshift(String(at.title));
  return names;
};
const file = (test) => {
  for (let at = test; at; at = at.parent) if (at.file) return at.file;
  return null;
};
const about = (test) => ({ t: number(test), file: file(test), path: titles(test) });

// A hook that fails takes tests along that never ran.
const hook = (failed, error, done) => {
  const victims = new Set();
  if (failed.ctx?.currentTest && !/^"(before|after) all"/.test(failed.title)) victims.add(failed.ctx.currentTest);
  if (/^"before|^"after each"/.test(failed.title)) failed.parent?.eachTest?.((test) => done.has(test) || victims.add(test));
  if (victims.size === 0) victims.add(failed);
  for (const test of victims) say({ k: 'hook', ...about(test), hook: failed.title, error: told(error) });
};

const listen = (runner) => {
  const done = new WeakSet();
  const over = (k, test, more) => {
    done.add(test);
    say({ k, ...about(test), ms: test.duration ?? null, ...more });
  };
  runner.on('test', (test) => say({ k: 'begin', ...about(test) }));
  runner.on('pass', (test) => over('pass', test));
  runner.on('pending', (test) => over('pending', test));
  runner.on('retry', (test) => say({ k: 'retry', ...about(test) }));
  runner.on('fail', (test, error) => (test.type === 'hook' ? hook(test, error, done) : over('fail', test, { error: told(error) })));
};

const each = (mocha, load) => {
  const files = mocha.files;
  let before = [];
  const lists = () => Object.entries(mocha.suite).filter(([, value]) => Array.isArray(value));
  const one = (at) => {
    mocha.files = [files[at]];
    before = lists().map(([name, list]) => [name, list.length]);
    return load();
  };
  const broken = (at, error) => {
    say({ k: 'load', file: path.resolve(files[at]), error: told(error) });
    // Neither half a file is left, nor the groups that were open when it broke: the next one's tests would be in them.
    for (const [name, length] of before) mocha.suite[name].length = length;
    mocha.ui(mocha.options?.ui ?? 'bdd');
  };
  return { files, one, broken, end: () => (mocha.files = files) };
};

const wrap = (Mocha) => {
  const proto = Mocha.prototype;
  const { run, loadFiles, loadFilesAsync } = proto;
  const narrow = (mocha) => {
    if (!asked) return;
    const first = [].concat(mocha.options?.file ?? []).map((one) => path.resolve(one));
    mocha.files = mocha.files.filter((one) => asked.includes(path.resolve(one)) || first.includes(path.resolve(one)));
  };
  proto.loadFiles = function (...words) {
    narrow(this);
    const { files, one, broken, end } = each(this, () => loadFiles.apply(this, words));
    files.forEach((_, at) => {
      try {
        one(at);
      } catch (error) {
        broken(at, error);
      }
    });
    end();
  };
  if (loadFilesAsync) {
    proto.loadFilesAsync = async function (...words) {
      narrow(this);
      const { files, one, broken, end } = each(this, () => loadFilesAsync.apply(this, words));
      for (let at = 0; at < files.length; at += 1) {
        try {
          await one(at);
        } catch (error) {
          broken(at, error);
        }
      }
      this.lazyLoadFiles?.(true);
      end();
    };
  }
  proto.run = function (...words) {
    // Of several processes, each worker tells of its own tests; the first one only of the end.
    const many = this._runnerClass && Mocha.Runner && this._runnerClass !== Mocha.Runner;
    if (many) narrow(this);
    const Reporter = this._reporter;
    const worker = Reporter?.name === 'ParallelBuffered';
    this._reporter = function (runner, options) {
      if (many) runner.once('end', () => say({ k: 'end' }));
      else {
        listen(runner);
        if (!worker) runner.once('end', () => say({ k: 'end' }));
      }
      return new Reporter(runner, options);
    };
    return run.apply(this, words);
  };
};

const loaded = () =>
  Object.values(require.cache).find((one) => /[\\/]mocha[\\/]lib[\\/]mocha\.c?js$/.test(one?.filename ?? '') && one.exports?.prototype?.run);
const module_ = loaded();
if (fd !== null && module_) {
  say({ k: 'start' });
  wrap(module_.exports);
}
