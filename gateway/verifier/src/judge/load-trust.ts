import { readFile } from 'node:fs/promises';
import { parseTrust, type TrustResult } from './trust.js';

/** Reads a trust file; rejects when it cannot be read. */
export async function loadTrust(path: string): Promise<TrustResult> {
  return parseTrust(await readFile(path, 'utf8'));
}
