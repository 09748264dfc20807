// Tells loom which files of the repository vitest compiled in the workers that a preloaded file does not reach (threads):
// one JSON object, in the file named by LOOM_LOADED.
import { appendFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const most = 40;

const compiled = (vitest) => {
  const files = new Set();
  const projects = [vitest, ...(vitest.projects ?? [])];
  for (const project of projects) {
    for (const server of [project.vite, project.server]) {
      const graphs = [server?.moduleGraph, ...Object.values(server?.environments ?? {}).map((one) => one.moduleGraph)];
      for (const graph of graphs) {
        for (const [file, modules] of graph?.fileToModulesMap ?? []) {
          if ([...modules].some((one) => one.transformResult || one.ssrTransformResult)) files.add(file);
        }
      }
    }
    for (const [file] of project.vitenode?.fetchCache ?? []) files.add(file);
  }
  return files;
};

export default class Loom {
  onInit(vitest) {
    this.vitest = vitest;
  }

  tell() {
    if (this.told || !this.vitest || !process.env.LOOM_LOADED) return;
    this.told = true;
    try {
      const { root, packages } = JSON.parse(readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'loom_packages.json'), 'utf8'));
      const folders = Object.entries(packages).sort((one, two) => two[1].length - one[1].length);
      const own = new Map();
      for (const file of compiled(this.vitest)) {
        if (!file.startsWith(`${root}/`) || file.includes('/node_modules/')) continue;
        const inner = file.slice(root.length + 1);
        const found = folders.find(([, folder]) => folder === '' || inner.startsWith(`${folder}/`));
        if (!found) continue;
        if (!own.has(found[0])) own.set(found[0], []);
        if (own.get(found[0]).length < most) own.get(found[0]).push(file);
      }
      const lines = [...own].map(([name, files]) => JSON.stringify({ name, own: files, foreign: [], asked: false }));
      if (lines.length > 0) appendFileSync(process.env.LOOM_LOADED, `${lines.join('\n')}\n`);
    } catch {
      // Without a word the run shows less; it must not end otherwise.
    }
  }

  onFinished() {
    this.tell();
  }

  onTestRunEnd() {
    this.tell();
  }
}
