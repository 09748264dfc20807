import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../bin/timesheet.js', import.meta.url));

test('adds up', () => {
  const said = execFileSync(process.execPath, [program, '1h30m', '1h45m'], { encoding: 'utf8' });
  assert.equal(said, '3h15m\n');
});
