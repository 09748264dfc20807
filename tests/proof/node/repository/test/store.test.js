import assert from 'node:assert/strict';
import test from 'node:test';
import { Store } from '../src/store.js';

test('entries of a day', async () => {
  const store = new Store();
  await store.add('mon', '1h0m');
  await store.add('mon', '2h0m');
  assert.deepEqual(await store.of('mon'), ['1h0m', '2h0m']);
  assert.equal(store.size, 1);
});
