import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { minutes, text } from '../src/duration.js';

describe('minutes', () => {
  test('hours and minutes', () => {
    assert.equal(minutes('1h30m'), 90);
    assert.equal(minutes('10h5m'), 605);
  });

  test('hours alone', () => {
    assert.equal(minutes('2h'), 120);
  });

  for (const wrong of ['x', '1h30', 'h']) {
    test(`no duration: ${wrong}`, () => {
      assert.throws(() => minutes(wrong), /no duration/);
    });
  }
});

describe('text', () => {
  test('hours and minutes', () => {
    assert.equal(text(90), '1h30m');
  });

  test('less than an hour', () => {
    assert.equal(text(5), '0h5m');
  });
});
