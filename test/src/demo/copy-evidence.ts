import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Playground } from '../playground/playground.js';

/** A recording and what was known of it elsewhere, as they were at one moment. */
export interface Evidence {
  readonly directory: string;
  /** The trust file. */
  readonly trust: string;
}

/** Copies both. The gateway keeps recording, so the trust file goes first: it must not speak of what the copy has not. */
export async function copyEvidence(playground: Playground, name: string): Promise<Evidence> {
  const folder = join(playground.directory, name);
  await mkdir(folder);
  const trust = join(folder, 'trust.json');
  const directory = join(folder, 'recording');
  await cp(playground.checkpointFile, trust);
  await cp(playground.recordingDirectory, directory, { recursive: true });
  return { directory, trust };
}
