import { loadTrust, type Trust, verifyDirectories } from '../recording/index.js';
import { UsageError } from './io.js';
import { plural } from './plain-text.js';

/** The trust that a file holds. Throws `UsageError` where it holds none. */
export async function readTrust(path: string): Promise<Trust> {
  const result = await loadTrust(path);
  if (!result.ok) throw new UsageError(`${path}: ${result.complaint}`);
  return result.trust;
}

/** Whether a recording may be worked with; `why` is for people. */
export type RecordingCheck =
  | { readonly ok: true; readonly note: string | undefined }
  | { readonly ok: false; readonly why: string };

/**
 * Verifies a recording before anything is made of it. Tampering is refused always; without a trust file that is all that can
 * be said, with one everything short of a sound verdict is refused too.
 */
export async function checkRecording(directory: string, trustFile: string | undefined): Promise<RecordingCheck> {
  const trust = trustFile === undefined ? undefined : await readTrust(trustFile);
  const { outcome, findings } = await verifyDirectories([directory], trust);
  const grave = findings.filter(({ severity }) => severity !== 'note');
  const told = `${grave[0]?.message ?? 'no finding'}${grave.length > 1 ? ` and ${plural(grave.length - 1, 'more finding')}` : ''}; run: piste audit verify`;
  if (outcome === 'tampered') {
    const worst = findings.find(({ severity }) => severity === 'tampered');
    return {
      ok: false,
      why: `the recording is not as it was written: ${worst?.message ?? '?'}; run: piste audit verify`,
    };
  }
  if (outcome === 'sound') return { ok: true, note: undefined };
  if (trust !== undefined) return { ok: false, why: `the trust file does not prove this recording: ${told}` };
  return { ok: true, note: 'nothing outside the recording vouches for it; name a trust file with --trust' };
}
