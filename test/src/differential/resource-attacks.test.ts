import { describe, expect, test } from '@jest/globals';
import { analyze } from '@piste/gateway/dist/sql/index.js';
import { catalogOf, sessionOf } from '@piste/gateway/dist/sql/testing/corpus.js';
import { RESOURCE_ATTACKS } from './resource-attacks.js';

/** Time of the processor, which does not count what others do beside. About a second is the most any of them takes. */
const MAX_CPU_MILLISECONDS = 5_000;

function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

describe('a text made to cost much is read or refused with bounded work', () => {
  const slowest = { name: '', milliseconds: 0 };

  test.each(RESOURCE_ATTACKS)('$name', ({ name, sqlText }) => {
    const started = cpuMilliseconds();
    const analysis = analyze(sqlText, sessionOf(), catalogOf());
    const milliseconds = cpuMilliseconds() - started;
    if (milliseconds > slowest.milliseconds) Object.assign(slowest, { name, milliseconds });
    expect(milliseconds).toBeLessThan(MAX_CPU_MILLISECONDS);
    // The detail of what only a fault of ours refuses: a full call stack, for instance.
    if (!analysis.read) expect(analysis.detail).not.toBe('the statement could not be analysed');
  });

  test('a short text that asks for hundreds of thousands of columns is refused', () => {
    const stars = RESOURCE_ATTACKS.find(({ name }) => name === '200 stars over 200 joins');
    const analysis = analyze(stars?.sqlText ?? '', sessionOf(), catalogOf());
    expect(analysis).toMatchObject({ read: false, kind: 'too-large' });
  });

  test('an ordinary statement is read as ever afterwards', () => {
    console.info(`the slowest of ${RESOURCE_ATTACKS.length}: ${slowest.name}, ${slowest.milliseconds.toFixed(0)} ms`);
    expect(analyze('SELECT id FROM customers', sessionOf(), catalogOf()).read).toBe(true);
  });
});
