// Tells loom which files of the repository's own packages this process loaded, when it ends: one JSON object per
// package, in the file named by LOOM_LOADED. Loaded by NODE_OPTIONS into every process of a run. Changes nothing else.
'use strict';
(() => {
  const target = process.env.LOOM_LOADED;
  if (!target) return;
  const fs = require('fs');
  const path = require('path');
  const { fileURLToPath } = require('url');
  const { appendFileSync, realpathSync, readFileSync } = fs;
  const most = 40;

  let root, packages, folders;
  try {
    ({ root, packages } = JSON.parse(readFileSync(path.join(__dirname, 'loom_packages.json'), 'utf8')));
    folders = Object.entries(packages).sort((one, two) => two[1].length - one[1].length);
  } catch {
    return;
  }

  const inside = (file) => file.startsWith(`${root}/`) && !file.includes('/node_modules/');
  const real = (file) => {
    try {
      return realpathSync(file);
    } catch {
      return file;
    }
  };
  const names = new Map();
  const nameAbove = (folder) => {
    if (folder === path.dirname(folder)) return null;
    if (!names.has(folder)) {
      let name = null;
      try {
        name = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).name ?? null;
      } catch {
        name = nameAbove(path.dirname(folder));
      }
      names.set(folder, name);
    }
    return names.get(folder);
  };
  // The package of the tree that a file is, or claims to be, a part of.
  const owner = (given) => {
    const file = inside(given) ? given : real(given);
    if (inside(file)) {
      const inner = file.slice(root.length + 1);
      const found = folders.find(([, folder]) => folder === '' || inner.startsWith(`${folder}/`));
      return found ? { name: found[0], file, own: true } : null;
    }
    const at = file.lastIndexOf('/node_modules/');
    const parts = at < 0 ? [] : file.slice(at + 14).split('/');
    const name = at < 0 ? nameAbove(path.dirname(file)) : parts[0].startsWith('@') ? `${parts[0]}/${parts[1]}` : parts[0];
    return name !== null && Object.hasOwn(packages, name) ? { name, file, own: false } : null;
  };

  const seen = new Map();
  const note = (file, asked) => {
    const found = file.startsWith(`${__dirname}/`) ? null : owner(file);
    if (!found) return false;
    if (!seen.has(found.name)) seen.set(found.name, { own: new Set(), foreign: new Set(), asked: false });
    const entry = seen.get(found.name);
    const list = found.own ? entry.own : entry.foreign;
    const fresh = !list.has(found.file) && list.size < most;
    if (fresh) list.add(found.file);
    if (asked && !found.own) entry.asked = true;
    return fresh;
  };
  const tell = () => {
    const lines = [...seen].map(([name, { own, foreign, asked }]) => JSON.stringify({ name, own: [...own], foreign: [...foreign], asked }));
    try {
      if (lines.length > 0) appendFileSync(target, `${lines.join('\n')}\n`);
    } catch {
      // Without a word the run shows less; it must not end otherwise.
    }
  };

  const compiled = () => {
    const { Session } = require('inspector');
    const session = new Session();
    const files = [];
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.getBestEffortCoverage', (error, answer) => {
      for (const { url } of answer?.result ?? []) {
        if (url.startsWith('file://')) files.push(fileURLToPath(url));
        else if (url.startsWith('/')) files.push(url);
      }
    });
    session.disconnect();
    return files;
  };
  const gather = () => {
    for (const module of Object.values(require.cache)) {
      if (!module?.filename) continue;
      note(module.filename, false);
      if (!inside(module.filename)) continue;
      for (const child of module.children ?? []) if (child?.filename && !inside(child.filename)) note(child.filename, true);
    }
    try {
      compiled().forEach((file) => note(file, false));
    } catch {
      // A node without its inspector knows less.
    }
  };

  // jest and vitest compile the files themselves, forget them again, and kill their workers: they are listened to when
  // they compile, and what is new is told at once.
  const compiles = /jest|vitest|tinypool|react-scripts/.test(process.argv[1] ?? '');
  if (compiles) {
    const vm = require('vm');
    const hear = (file) => {
      if (typeof file !== 'string') return;
      try {
        const plain = (file.startsWith('file://') ? fileURLToPath(file) : file).replace(/[?#].*$/, '');
        if (path.isAbsolute(plain) && note(plain, false)) tell();
      } catch {
        // A name that is no path.
      }
    };
    for (const [name, at] of [['Script', 1], ['SourceTextModule', 1]]) {
      if (!vm[name]) continue;
      vm[name] = new Proxy(vm[name], {
        construct(of, words, target) {
          hear(words[at]?.filename ?? words[at]?.identifier ?? words[at]);
          return Reflect.construct(of, words, target);
        },
      });
    }
    for (const [name, at] of [['runInThisContext', 1], ['runInContext', 2], ['compileFunction', 2]]) {
      const run = vm[name];
      vm[name] = function (...words) {
        hear(words[at]?.filename ?? words[at]);
        return run.apply(this, words);
      };
    }
    require('module').syncBuiltinESMExports();
    // A worker that is told to end is let end by itself.
    if (process.send) process.once('SIGTERM', () => process.exit(143));
  }
  process.on('exit', () => {
    gather();
    tell();
  });
})();
