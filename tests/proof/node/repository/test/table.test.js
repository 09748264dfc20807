import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { slug, table } from '../src/table.js';

test('columns', () => {
  const golden = readFileSync(new URL('golden/table.txt', import.meta.url), 'utf8');
  assert.equal(table([['Ann', '1h0m'], ['Bartholomew', '2h30m']]), golden);
});

test('slug', () => {
  assert.equal(slug('Ann Lee'), 'ann-lee');
});
