import { describe, expect, test } from '@jest/globals';
import { analyze } from '@piste/gateway/dist/sql/index.js';
import { catalogOf, sessionOf } from '@piste/gateway/dist/sql/testing/corpus.js';
import { RESOURCE_ATTACKS } from './resource-attacks.js';

/** Far above what any of them takes on a quiet machine, far below what one without bounds takes. */
const MAX_MILLISECONDS = 5_000;

describe('a text made to cost much is read or refused with bounded work', () => {
  const slowest = { name: '', milliseconds: 0 };

  test.each(RESOURCE_ATTACKS)('$name', ({ name, sqlText }) => {
    const started = performance.now();
    const analysis = analyze(sqlText, sessionOf(), catalogOf());
    const milliseconds = performance.now() - started;
    if (milliseconds > slowest.milliseconds) Object.assign(slowest, { name, milliseconds });
    expect(milliseconds).toBeLessThan(MAX_MILLISECONDS);
    // What our own fault refuses would be told by this detail.
    if (!analysis.read) expect(analysis.detail).not.toBe('the statement could not be analysed');
  });

  test('an ordinary statement is read as ever afterwards', () => {
    console.info(`the slowest of ${RESOURCE_ATTACKS.length}: ${slowest.name}, ${slowest.milliseconds.toFixed(0)} ms`);
    expect(analyze('SELECT id FROM customers', sessionOf(), catalogOf()).read).toBe(true);
  });
});
