import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { attackCases, type Case, harmlessCases } from '../fixture/attacks.js';
import { sayShortly, verifyFiles } from '../fixture/verdicts.js';
import { openDirectory } from '../read/directory-source.js';
import { loadTrust } from './load-trust.js';
import { type Verdict, verify } from './verify.js';

const VECTORS = fileURLToPath(new URL('../../testdata/recordings/', import.meta.url));
/** PISTE_UPDATE_GOLDEN=1 makes the files anew. */
const IS_WRITING = process.env['PISTE_UPDATE_GOLDEN'] === '1';

/** What another verifier has to agree with. */
function toExpected({ outcome, findings, logs }: Verdict): string {
  const found = findings
    .map(({ severity, code, log, index }) => ({ severity, code, log, index }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const summaries = logs.map(({ ulid, trusted, records, proven, complete }) => ({
    ulid,
    trusted,
    records,
    proven,
    complete,
  }));
  return `${JSON.stringify({ outcome, findings: found, logs: summaries }, undefined, 1)}\n`;
}

async function writeVector({ name, files, trust }: Case): Promise<void> {
  const folder = join(VECTORS, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'recording'), { recursive: true });
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, 'recording', path)), { recursive: true });
    await writeFile(join(folder, 'recording', path), bytes);
  }
  await writeFile(join(folder, 'trust.json'), `${JSON.stringify({ v: 1, ...trust }, undefined, 1)}\n`);
  await writeFile(join(folder, 'expected.json'), toExpected(await verifyFiles(files, trust)));
}

const HARMLESS = harmlessCases();
const ATTACKS = attackCases();
const CASES = [...HARMLESS, ...ATTACKS];

describe('a recording', () => {
  test.each(HARMLESS)('that is $name: $verdict', async ({ files, trust, verdict }) => {
    expect(sayShortly(await verifyFiles(files, trust))).toBe(verdict);
  });

  test.each(ATTACKS)('attacked by $name: $verdict', async ({ files, trust, verdict }) => {
    expect(sayShortly(await verifyFiles(files, trust))).toBe(verdict);
  });

  test.each(CASES)('$name is a test vector for others', async (vector) => {
    if (IS_WRITING) await writeVector(vector);
    const folder = join(VECTORS, vector.name);
    const loaded = await loadTrust(join(folder, 'trust.json'));
    if (!loaded.ok) throw new Error(loaded.complaint);
    await mkdir(join(folder, 'recording'), { recursive: true });
    const source = openDirectory(join(folder, 'recording'));
    expect((await source.list()).map(({ path }) => path).sort()).toEqual([...vector.files.keys()].sort());
    for (const [path, bytes] of vector.files) {
      // Compared as bytes: a matcher goes through megabytes element by element.
      expect([path, (await readFile(join(folder, 'recording', path))).equals(bytes)]).toEqual([path, true]);
    }
    expect(toExpected(await verify([source], loaded.trust))).toBe(
      await readFile(join(folder, 'expected.json'), 'utf8'),
    );
  });

  test('has a vector for each case and no other', async () => {
    expect((await readdir(VECTORS)).filter((name) => name !== 'README.md').sort()).toEqual(
      CASES.map(({ name }) => name).sort(),
    );
  });
});
