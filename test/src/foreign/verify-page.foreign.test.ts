import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { HEADLINES, loadTrust, type Verdict, verifyArchive } from '@piste/verifier';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { findLayoutFaults, findViolations, keepPicture, launchChromium } from '../harness/browser.js';

const ROOT = new URL('../../../', import.meta.url);
const PISTE = fileURLToPath(new URL('gateway/bin/piste.js', ROOT));
const VECTORS = fileURLToPath(new URL('gateway/verifier/testdata/recordings/', ROOT));
const VERIFY_PAGE = pathToFileURL(fileURLToPath(new URL('gateway/verifier/dist/verify.html', ROOT))).href;

const run = promisify(execFile);
let folder: string;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'piste-verify-page-'));
  browser = await launchChromium();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const complaints: string[] = [];
const requests: string[] = [];
const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const context of open.splice(0)) await context.close();
  expect(complaints.splice(0)).toEqual([]);
  expect(requests.splice(0).filter((url) => !url.startsWith('file:') && !url.startsWith('blob:'))).toEqual([]);
});

/** The page from the disk, in a browser without a network; what it complains about or asks for fails the test. */
async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ offline: true, ...options });
  open.push(context);
  const page = await context.newPage();
  page.setDefaultTimeout(50_000);
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => undefined);
  });
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(VERIFY_PAGE);
  return page;
}

const trustOf = (vector: string): string => join(VECTORS, vector, 'trust.json');

/** A bundle of a test vector, as the command makes it. */
async function makeBundle(vector: string, ...more: readonly string[]): Promise<string> {
  const path = join(folder, `${[vector, ...more].join('')}.zip`);
  await rm(path, { force: true });
  await run(process.execPath, [
    PISTE,
    'audit',
    'bundle',
    join(VECTORS, vector, 'recording'),
    '--trust',
    trustOf(vector),
    '-o',
    path,
    ...more,
  ]);
  return path;
}

async function judge(path: string, trustPath: string | undefined): Promise<Verdict> {
  const bytes = await readFile(path);
  const loaded = trustPath === undefined ? undefined : await loadTrust(trustPath);
  const access = {
    size: bytes.byteLength,
    read: async (from: number, length: number) => bytes.subarray(from, from + length),
  };
  return verifyArchive('bundle', access, loaded?.ok === true ? loaded.trust : undefined);
}

/** What the page says of a bundle: its verdict line, and severity and code of each finding. */
async function choose(
  page: Page,
  bundle: string,
  trust: string | undefined,
): Promise<{ line: string; findings: readonly string[] }> {
  if (trust !== undefined) await page.getByLabel(/Trust file/).setInputFiles(trust);
  await page.getByLabel(/Evidence bundle/).setInputFiles(bundle);
  await page.locator('#status', { hasText: /^(audit verify:|This could not)/ }).waitFor();
  const rows = page.locator('table:has(caption:text-is("Findings")) tbody tr');
  const findings = await rows.evaluateAll((list) =>
    list.map((row) => `${row.children[0]?.textContent} ${row.children[2]?.textContent}`),
  );
  return { line: (await page.locator('#status').textContent()) ?? '', findings };
}

function expected({ outcome, findings }: Verdict): { line: string; findings: readonly string[] } {
  return {
    line: `audit verify: ${HEADLINES[outcome]}`,
    findings: findings.map(({ severity, code }) => `${severity} ${code}`).sort(),
  };
}

/** Runs in the page. */
const DROP = `(() => {
  const bytes = Uint8Array.from(atob('BASE64'), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], 'dropped.zip'));
  document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
})()`;

describe('the page that verifies', () => {
  test.each([
    'raw',
    'long-body',
    'encrypted',
    'archived',
    'archived-bodies-gone',
    'interrupted-sealed',
    'two-writers',
    'certified',
    'open-key-only',
    'bit-in-body',
    'base64-not-canonical',
    'equal-keys-in-leaf',
    'link-to-another-record',
    'key-file-changed',
  ])('says of a bundle of %s what the command says', async (vector) => {
    const bundle = await makeBundle(vector);
    for (const trust of [trustOf(vector), undefined]) {
      const page = await openPage();
      const { line, findings } = await choose(page, bundle, trust);
      expect({ line, findings: findings.toSorted() }).toEqual(expected(await judge(bundle, trust)));
    }
  });

  test.each(['two-writers', 'raw', 'encrypted', 'archived-bodies-gone'])(
    'says of a bundle of one session of %s what the command says, and that it is one',
    async (vector) => {
      const bundle = await makeBundle(vector, '--session', 'session-1');
      const bytes = await readFile(bundle);
      const changed = Buffer.from(bytes);
      const at = changed.indexOf('"k":"session.open"');
      changed.writeUInt8(changed.readUInt8(at + 6) ^ 1, at + 6);
      const damaged = join(folder, 'damaged-session.zip');
      await writeFile(damaged, changed);
      for (const [path, trust] of [
        [bundle, trustOf(vector)],
        [bundle, undefined],
        [damaged, trustOf(vector)],
      ] as const) {
        const page = await openPage();
        const { line, findings } = await choose(page, path, trust);
        expect({ line, findings: findings.toSorted() }).toEqual(expected(await judge(path, trust)));
        expect(await page.getByText('One session: session-1').count()).toBe(1);
        expect(line.endsWith('TAMPERED')).toBe(path === damaged);
      }
    },
  );

  test('says what the command says of a bundle in which anything is changed', async () => {
    const bundle = await makeBundle('raw');
    const bytes = await readFile(bundle);
    const page = await openPage();
    const damaged = join(folder, 'damaged.zip');
    for (const text of [
      'Evidence bundle',
      'Verify a recording',
      '"partial":false',
      'select 0',
      '"index":3',
      '  records.jsonl',
      'PK\u0005\u0006',
    ]) {
      const at = bytes.indexOf(text);
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      await writeFile(damaged, changed);
      const { line } = await choose(page, damaged, trustOf('raw'));
      expect({ text, line }).toEqual({ text, line: 'audit verify: TAMPERED' });
      expect(expected(await judge(damaged, trustOf('raw'))).line).toBe(line);
    }
  });

  test('shows hostile text as text', async () => {
    const page = await openPage();
    const { line } = await choose(page, await makeBundle('hostile-text'), trustOf('hostile-text'));
    expect(line).toBe('audit verify: OK');
    for (const summary of await page.locator('summary').all()) await summary.click();
    await page.locator('article').nth(2).waitFor();
    const texts = (await page.locator('pre').allTextContents()).join('\n');
    expect(texts).toContain("select '</script><script>document.title=1</script><img src=x onerror=alert(1)>'");
    expect(texts).toContain('\\u{1b}[2J\\u{202e}gnp.exe\\u{200b}');
    expect(await page.locator('img, #injected, main script').count()).toBe(0);
    expect(await page.title()).toBe('Verify a recording · Piste');
    expect(await page.getByText('3 bytes that are no text').count()).toBe(1);
  });

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 320],
  ] as const)('can be used by everybody, in %s and %d px', async (colorScheme, width) => {
    const page = await openPage({ colorScheme, viewport: { width, height: 800 } });
    expect(await findViolations(page)).toEqual([]);
    await choose(page, await makeBundle('two-writers'), undefined);
    for (const summary of await page.locator('summary').all()) await summary.press('Enter');
    await page.locator('article').nth(7).waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(await findLayoutFaults(page)).toEqual([]);
    await keepPicture(page, `verify-page-${colorScheme}-${width}`);
  });

  test('takes a dropped bundle, and says when a trust file is none', async () => {
    const bundle = await makeBundle('raw');
    const page = await openPage();
    const base64 = (await readFile(bundle)).toString('base64');
    await page.evaluate(DROP.replace('BASE64', base64));
    await page.locator('#status', { hasText: 'audit verify: CANNOT CONCLUDE' }).waitFor();
    const noTrust = join(folder, 'no-trust.json');
    await writeFile(noTrust, '{}');
    await page.getByLabel(/Trust file/).setInputFiles(noTrust);
    await page.locator('#status', { hasText: 'no-trust.json is no trust file' }).waitFor();
    expect(await page.locator('#result').textContent()).toBe('');
  });
});
