import { platform } from '../platform/index.js';
import type { LogFiles } from '../read/log-files.js';
import type { ScanResult } from '../read/scan.js';
import type { RecordingSource, SourceFile } from '../read/source.js';
import type { Finding } from './finding.js';

/** Why something that was stored is rightly gone: what a record of the registry says, for people. */
export interface Explanations {
  /** Bodies of a segment pruned under a retention. */
  bodies(origin: string, segment: number): string | undefined;
  /** A session key destroyed on purpose. */
  key(origin: string, key: number): string | undefined;
}

/** Measures one log's files beside its records: archived bodies that are gone, wrapped session keys, doubled segments. */
export async function checkStoredFiles(
  files: LogFiles,
  scan: ScanResult,
  explanations: Explanations,
): Promise<readonly Finding[]> {
  const origin = scan.origin ?? '';
  const found = [
    ...files.segments
      .filter(({ whole, records, bodies }) => whole !== undefined && (records ?? bodies) !== undefined)
      .map(
        ({ segment }): Finding => ({
          severity: 'cannot-conclude',
          code: 'duplicate-segment',
          message: 'the segment lies here whole and archived; only the whole one was read',
          segment,
        }),
      ),
    ...scan.bodiesMissing.map((segment): Finding => {
      const why = explanations.bodies(origin, segment);
      return why === undefined
        ? {
            severity: 'cannot-conclude',
            code: 'bodies-missing',
            message: "the segment's bodies are not here, and nothing says why",
            segment,
          }
        : { severity: 'note', code: 'bodies-missing', message: `the segment's bodies are not here: ${why}`, segment };
    }),
    ...(await checkKeyFiles(files, scan, explanations)),
  ];
  return found.map((finding) => ({ ...finding, log: files.ulid }));
}

const READ_BYTES = 1024 * 1024;

/** In pieces: nobody says that a key's file is as short as one. */
async function digestOf(source: RecordingSource, { path, size }: SourceFile): Promise<string> {
  const hash = platform.createSha256();
  for (let at = 0; at < size; at += READ_BYTES)
    hash.update(await source.read(path, at, Math.min(READ_BYTES, size - at)));
  return hash.digest().toString('hex');
}

async function checkKeyFiles(
  files: LogFiles,
  scan: ScanResult,
  explanations: Explanations,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [number, key] of scan.keys.entries()) {
    const file = files.keys.get(number);
    const { index } = key;
    if (file === undefined) {
      const why = explanations.key(scan.origin ?? '', number);
      findings.push(
        why === undefined
          ? {
              severity: 'cannot-conclude',
              code: 'key-missing',
              message: `the file of session key ${number} is not here, and nothing says why`,
              index,
            }
          : { severity: 'note', code: 'key-missing', message: `session key ${number} is destroyed: ${why}`, index },
      );
      continue;
    }
    const digest = await digestOf(files.source, file);
    if (digest !== key.wrapped)
      findings.push({
        severity: 'tampered',
        code: 'key-mismatch',
        message: `the file of session key ${number} is not the one that was recorded`,
        index,
      });
  }
  for (const number of files.keys.keys()) {
    if (number < scan.keys.length) continue;
    // A key's file is on disk before its record, so an interrupted writer leaves one without.
    const severity = scan.closed ? 'cannot-conclude' : 'note';
    findings.push({ severity, code: 'unknown-key', message: `no record speaks of session key ${number}` });
  }
  return findings;
}
