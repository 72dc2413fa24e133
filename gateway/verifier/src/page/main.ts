/// <reference lib="dom" />
import { checkTrust, type Trust } from '../judge/trust.js';
import { readBundleRecords, readOwnTrust, verifyArchive } from '../judge/verify-bundle.js';
import { openBundle } from '../read/bundle-source.js';
import type { LogRecord } from '../read/read-log.js';
import type { RandomAccess } from '../read/zip.js';
import { element, find } from './dom.js';
import { showRecords } from './show-records.js';
import { showVerdict } from './show-verdict.js';

/** More are verified, but not shown. */
const MAX_SHOWN_RECORDS = 20_000;
/** Texts of the records that are shown; a page holds them in memory. */
const MAX_SHOWN_BYTES = 128 * 1024 * 1024;

/** One look at a time: a later one makes an earlier one's result worthless. */
let look = 0;

/** A file somebody chose; it never leaves the page. */
function toAccess(file: File): RandomAccess {
  return {
    size: file.size,
    read: async (from, length) => new Uint8Array(await file.slice(from, from + length).arrayBuffer()),
  };
}

async function readTrust(file: File | undefined): Promise<Trust | undefined> {
  if (file === undefined) return undefined;
  const result = await checkTrust(await file.text());
  if (!result.ok) throw new Error(`${file.name} is no trust file: ${result.complaint}`);
  return result.trust;
}

async function examine(bundleFile: File, trustFile: File | undefined): Promise<void> {
  look += 1;
  const mine = look;
  say(`Verifying ${bundleFile.name} …`);
  find('result').replaceChildren();
  find('records').replaceChildren();
  try {
    const trust = await readTrust(trustFile);
    const access = toAccess(bundleFile);
    const verdict = await verifyArchive(bundleFile.name, access, trust);
    const own = trust ?? (await ownTrust(access));
    const { records, isAll } = await readRecords(access);
    if (mine !== look) return;
    find('result').replaceChildren(...showVerdict(verdict, own));
    find('records').replaceChildren(
      element('h2', 'Records'),
      ...(isAll ? [] : [element('p', `Only the first ${records.length} records are shown; all were verified.`)]),
      ...showRecords(records),
    );
    say(find('verdict').textContent);
  } catch (error) {
    if (mine === look) say(`This could not be verified: ${error instanceof Error ? error.message : 'unknown error'}`);
  }
}

/** An archive that cannot be read has a verdict already, and shows nothing. */
async function ownTrust(access: RandomAccess): Promise<Trust | undefined> {
  try {
    return (await readOwnTrust(await openBundle('', access))).trust;
  } catch {
    return undefined;
  }
}

interface ShownRecords {
  readonly records: readonly LogRecord[];
  readonly isAll: boolean;
}

async function readRecords(access: RandomAccess): Promise<ShownRecords> {
  const records: LogRecord[] = [];
  let bytes = 0;
  try {
    for await (const record of readBundleRecords(await openBundle('', access))) {
      for (const text of record.bodies.values()) bytes += text.byteLength;
      if (records.length === MAX_SHOWN_RECORDS || bytes > MAX_SHOWN_BYTES) return { records, isAll: false };
      // A view into a much larger piece of the file, and not shown.
      records.push({ ...record, leafBytes: Buffer.alloc(0) });
    }
  } catch {
    // The verdict says what is wrong with the archive.
  }
  return { records, isAll: true };
}

function say(text: string): void {
  find('status').replaceChildren(element('span', text));
}

function chosen(id: string): File | undefined {
  const input = find(id);
  return input instanceof HTMLInputElement ? input.files?.[0] : undefined;
}

function start(): void {
  let dropped: File | undefined;
  const run = (): void => {
    const bundle = dropped ?? chosen('bundle');
    if (bundle !== undefined) void examine(bundle, chosen('trust'));
  };
  find('bundle').addEventListener('change', () => {
    dropped = undefined;
    run();
  });
  find('trust').addEventListener('change', run);
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    dropped = event.dataTransfer?.files[0];
    run();
  });
  say('No bundle chosen yet.');
}

start();
