const assert = require('node:assert');
const { test } = require('node:test');
const { slug } = require('../slug.js');

test('blanks become dashes', () => {
  assert.strictEqual(slug('A b  c'), 'a-b-c');
});
