import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { createMasker, createMaskPlan, maskArrowStream } from '@piste/gateway/dist/masking/index.js';
import { anyResult, KEYS } from '@piste/gateway/dist/masking/masking-contract.js';
import fc from 'fast-check';
import { runPytest } from '../harness/python.js';
import { arrowOf } from '../masking/arrow-fixture.js';

const STREAMS = 300;
const directory = mkdtempSync(join(tmpdir(), 'piste-masked-arrow-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Random results before and after masking, and what the reference says of them. */
function writeStreams(seed: number): void {
  const results = fc.sample(anyResult, { numRuns: STREAMS, seed });
  results.forEach(({ rowtype, rows, obligations }, index) => {
    if (rowtype.some(({ type }) => type === 'unheard_of')) return;
    const wellFormed = rows.map((row) => row.map((cell) => cell?.toWellFormed() ?? null));
    const stream = arrowOf({ rowtype, rows: wellFormed });
    const { segments } = maskArrowStream(stream, createMaskPlan(rowtype, obligations, KEYS));
    const expected = createMasker({ keys: KEYS }).maskRows(rowtype, wellFormed, obligations).rows;
    const path = join(directory, String(index));
    writeFileSync(`${path}.in`, stream);
    writeFileSync(`${path}.out`, Buffer.concat(segments));
    const types = rowtype.map(({ type }) => type);
    writeFileSync(`${path}.json`, JSON.stringify({ types, masked: obligations.map((o) => o.index), rows: expected }));
  });
}

test('pyarrow finds masked streams valid, their schemas unchanged and their texts masked', async () => {
  const seed = Number(process.env['PISTE_SEED']);
  writeStreams(seed);
  const { passed, output } = await runPytest('test_masked_arrow.py', {
    ROUTE: 'direct',
    STAND_IN_URL: 'http://127.0.0.1:1',
    ARROW_DIRECTORY: directory,
  });
  expect(passed ? 'passed' : `PISTE_SEED=${seed}\n${output}`).toBe('passed');
}, 120_000);
