// Tells loom what each test of ava came to: one JSON object per line, in the file named by LOOM_RESULTS. Loaded by
// NODE_OPTIONS into ava's own process, where it hears what the workers report; ava's words on TAP lack the files.
'use strict';
(() => {
  const path = require('path');
  const { isMainThread } = require('worker_threads');
  const target = process.env.LOOM_RESULTS;
  if (!target || !isMainThread || !/(^|[\\/])ava([\\/](cli\.js|entrypoints[\\/]cli\.mjs))?$/.test(process.argv[1] ?? '')) return;
  delete process.env.LOOM_RESULTS;

  const fs = require('fs');
  const { stripVTControlCharacters } = require('util');
  const most = 20000;
  const write = fs.writeSync;
  const fd = fs.openSync(target, fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_APPEND, 0o600);
  const say = (line) => {
    const data = Buffer.from(`${JSON.stringify(line)}\n`);
    for (let at = 0; at < data.length; ) at += write(fd, data, at, data.length - at);
  };
  const cut = (text) => {
    const whole = stripVTControlCharacters(String(text ?? ''));
    return whole.length <= most ? whole : `${whole.slice(0, most / 2)}\n[... cut ...]\n${whole.slice(-most / 2)}`;
  };
  const told = (error) => {
    const details = (error?.formattedDetails ?? error?.values ?? []).map((one) => `${one?.label ?? ''}\n${one?.formatted ?? ''}`);
    const inner = error?.originalError ?? error?.cause ?? {};
    const stack = cut(error?.stack || inner.stack);
    // ava calls an error that the test raised an assertion of its own; its stack still has the real name.
    const raised = details.some((one) => /^(Error thrown in|Rejected promise returned by) test/.test(one));
    if (raised && /^\S.*:/.test(stack)) {
      return { name: null, code: inner.code ?? null, message: stack.split(/\n\s+at /)[0], stack, compared: /^AssertionError/.test(stack) };
    }
    const message = error?.message || inner.message || error?.summary || error?.formattedError || '';
    return {
      name: error?.name ?? inner.name ?? null,
      code: error?.code ?? inner.code ?? null,
      message: cut([message, ...details].filter(Boolean).join('\n')),
      stack,
      compared: error?.type === 'ava' || error?.avaAssertionError === true || Boolean(error?.assertion),
    };
  };

  let workers = 0;
  const follow = (worker, first) => {
    const number = (workers += 1);
    let file = first;
    const pending = new Map();
    let [declared, explained, killed] = [0, false, false];
    const about = (title) => ({ t: `${number}-${title}`, file, path: [String(title)] });
    for (const name of ['send', 'postMessage']) {
      const own = worker[name];
      if (typeof own !== 'function') continue;
      worker[name] = function (message, ...rest) {
        file = message?.ava?.options?.file ?? file;
        return own.call(this, message, ...rest);
      };
    }
    for (const name of ['kill', 'terminate']) {
      const own = worker[name];
      if (typeof own !== 'function') continue;
      worker[name] = function (...words) {
        killed = true;
        return own.apply(this, words);
      };
    }
    const over = (k, event, more) => {
      pending.delete(event.title);
      say({ k, ...about(event.title), ms: event.duration ?? null, ...more });
    };
    const hook = (event) => {
      const one = / hook for (.*)$/s.exec(event.title)?.[1];
      const victims = one === undefined ? [...pending.keys()] : [one];
      for (const title of victims) over('hook', { title }, { hook: event.title, error: told(event.err) });
      if (victims.length === 0) say({ k: 'hook', ...about(event.title), hook: event.title, error: told(event.err) });
    };
    const broke = (error) => {
      explained = true;
      say({ k: declared === 0 ? 'load' : 'crash', file, error });
    };
    worker.on('message', ({ ava: event } = {}) => {
      switch (event?.type) {
        case 'declared-test':
          declared += 1;
          break;
        case 'selected-test':
          if (event.skip || event.todo) over('pending', event);
          else {
            pending.set(event.title, true);
            say({ k: 'begin', ...about(event.title) });
          }
          break;
        case 'test-passed':
          over(event.knownFailing ? 'pending' : 'pass', event, event.knownFailing ? { why: 'expected failure' } : {});
          break;
        case 'test-failed':
          over('fail', event, { error: told(event.err) });
          break;
        case 'hook-failed':
          hook(event);
          break;
        case 'uncaught-exception':
        case 'unhandled-rejection':
        case 'internal-error':
          broke(told(event.err));
          break;
        case 'missing-ava-import':
          broke({ message: 'No tests found: the file does not import ava' });
          break;
      }
    });
    worker.on('exit', (code, signal) => {
      if (!killed && !explained && (code || signal) && declared === 0) broke({ message: `The file ended with ${signal ?? `exit code ${code}`}` });
      for (const title of [...pending.keys()]) over(killed && !explained ? 'hang' : 'died', { title });
    });
    return worker;
  };

  const threads = require('worker_threads');
  const children = require('child_process');
  const fork = children.fork;
  children.fork = (...words) => follow(fork(...words), null);
  const Worker = threads.Worker;
  threads.Worker = class extends Worker {
    constructor(...words) {
      super(...words);
      const file = words[1]?.workerData?.options?.file ?? null;
      if (file !== null || /[\\/]ava[\\/]/.test(String(words[0]))) follow(this, file);
    }
  };
  require('module').syncBuiltinESMExports();
  say({ k: 'start' });
  process.on('exit', () => say({ k: 'end' }));
})();
