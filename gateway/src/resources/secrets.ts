import { createHash } from 'node:crypto';
import type { SecretKeyRef } from '@piste/crds';
import { Secret } from '../telemetry/index.js';
import { maskingKeyName, maskingKeyRefs } from './compile-masking.js';
import type { PlacedResource } from './file-memory.js';

/** Reads one key of one Secret; undefined when there is none. */
export type ReadSecret = (name: string, key: string) => Promise<Uint8Array | undefined>;

/** Bytes of Secrets by `<name>/<key>`. */
export type SecretBytes = ReadonlyMap<string, Uint8Array>;

/** Reads every Secret the resources name. A Secret that cannot be read is absent; nothing here throws. */
export async function readSecrets(resources: readonly PlacedResource[], read: ReadSecret): Promise<SecretBytes> {
  const refs = new Map(resources.flatMap(({ resource }) => refsOf(resource)).map((ref) => [maskingKeyName(ref), ref]));
  const bytes = new Map<string, Uint8Array>();
  for (const [name, ref] of [...refs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const value = await read(ref.name, ref.key).catch(() => undefined);
    if (value !== undefined && value.length > 0) bytes.set(name, value);
  }
  return bytes;
}

function refsOf(resource: PlacedResource['resource']): readonly SecretKeyRef[] {
  switch (resource.kind) {
    case 'SnowflakeConnection':
      return authRefs(resource.spec.auth);
    case 'MaskingPolicy':
      return maskingKeyRefs(resource);
    case 'ApprovalRule':
      return [];
  }
}

type Auth = Extract<PlacedResource['resource'], { kind: 'SnowflakeConnection' }>['spec']['auth'];

function authRefs(auth: Auth): readonly SecretKeyRef[] {
  if (auth.type === 'KeyPair') {
    const { privateKeySecretRef, standbyPrivateKeySecretRef } = auth.keyPair;
    return standbyPrivateKeySecretRef === undefined
      ? [privateKeySecretRef]
      : [privateKeySecretRef, standbyPrivateKeySecretRef];
  }
  return auth.type === 'ProgrammaticAccessToken' ? [auth.programmaticAccessToken.tokenSecretRef] : [];
}

/** How the gateway proves itself to one account. Printing it shows no key. */
export type ConnectionCredential =
  | {
      readonly type: 'KeyPair';
      readonly user: string;
      /** PEM, in the order in which to try them. */
      readonly privateKeys: readonly Secret<Uint8Array>[];
    }
  | { readonly type: 'ProgrammaticAccessToken'; readonly user: string; readonly token: Secret };

/** The credential of a connection, or which field stands in the way. */
export function credentialOf(
  auth: Auth,
  secrets: SecretBytes,
):
  | { readonly ok: true; readonly credential: ConnectionCredential }
  | { readonly ok: false; readonly field: string; readonly message: string } {
  switch (auth.type) {
    case 'KeyPair': {
      const [first, ...standby] = authRefs(auth).map((ref) => secrets.get(maskingKeyName(ref)));
      if (first === undefined)
        return missing('spec.auth.keyPair.privateKeySecretRef', auth.keyPair.privateKeySecretRef);
      const keys = [first, ...standby].filter((key) => key !== undefined);
      return {
        ok: true,
        credential: { type: 'KeyPair', user: auth.keyPair.user, privateKeys: keys.map((key) => new Secret(key)) },
      };
    }
    case 'ProgrammaticAccessToken': {
      const { user, tokenSecretRef } = auth.programmaticAccessToken;
      const bytes = secrets.get(maskingKeyName(tokenSecretRef));
      const text = bytes === undefined ? '' : Buffer.from(bytes).toString('utf8').trim();
      if (text === '') return missing('spec.auth.programmaticAccessToken.tokenSecretRef', tokenSecretRef);
      return { ok: true, credential: { type: 'ProgrammaticAccessToken', user, token: new Secret(text) } };
    }
    case 'OAuthClientCredentials':
    case 'WorkloadIdentity':
    case 'Passthrough':
      return { ok: false, field: 'spec.auth.type', message: `${auth.type} is not built in this version` };
  }
}

function missing(
  field: string,
  ref: SecretKeyRef,
): { readonly ok: false; readonly field: string; readonly message: string } {
  return { ok: false, field, message: `the Secret ${maskingKeyName(ref)} cannot be read` };
}

/** Tells whether Secrets changed, without keeping them. Never written anywhere. */
export function digestOfSecrets(secrets: SecretBytes): string {
  const hash = createHash('sha256');
  for (const [name, bytes] of secrets) {
    hash.update(`${name.length}:${name}${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}
