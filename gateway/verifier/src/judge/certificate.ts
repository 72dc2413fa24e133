import type { Leaf } from '../format/leaf.js';
import { checkNote, parseVkey } from '../format/signed-note.js';

/** `none`: the log names no certificate, or no identity key is known to measure it by. */
export type CertificateState = 'none' | 'true' | 'false';

/** What a deployment's identity signs of a writer: its log's name and key. */
export function encodeCertificateText(origin: string, vkey: string): string {
  return `piste writer v1\n${origin}\n${vkey}\n`;
}

/** Measures the certificate in a `writer.open` by the identity keys of the deployment. */
export async function checkCertificate({ fields }: Leaf, identityKeys: readonly string[]): Promise<CertificateState> {
  const { cert, origin, vkey } = fields;
  if (cert === undefined || identityKeys.length === 0) return 'none';
  if (typeof cert !== 'string' || typeof origin !== 'string' || typeof vkey !== 'string') return 'false';
  const expected = encodeCertificateText(origin, vkey);
  for (const identityKey of identityKeys) {
    const verifier = parseVkey(identityKey);
    if (verifier === undefined) continue;
    if ((await checkNote(Buffer.from(cert, 'utf8'), verifier)) === expected) return 'true';
  }
  return 'false';
}
