import assert from 'node:assert/strict';
import test from 'node:test';
import { longest, pay, total } from '../src/sheet.js';

test('total of several', () => {
  assert.equal(total(['1h0m', '2h30m']), 210);
});

test('total of none', () => {
  assert.equal(total([]), 0);
});

test('pay by the hour', () => {
  assert.equal(pay(60, 5000), 5000);
  assert.equal(pay(90, 5000), 7500);
});

test('longest entry', () => {
  assert.deepEqual(longest(['1h0m', '3h0m', '2h0m']), ['3h0m']);
});
