import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createKeptNoteSigner, type NoteSigner } from '@piste/verifier';
import { errorCode } from '../errors.js';
import { syncFolder } from './sync-folder.js';

/** DER header of an Ed25519 PKCS #8 key (RFC 8410); the 32 secret bytes follow. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;
/** `PRIVATE+KEY+<name>+<key id>+<base64>`, as Go's note tools write it. */
const NOTE_KEY = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u;
const NOTE_TYPES: ReadonlySet<number> = new Set([0x01, 0x04]);

/** Reads an Ed25519 private key: PEM (PKCS #8) or a note key. Throws `TypeError` without quoting anything of it. */
export function parseSigningKey(text: string): KeyObject {
  const [, , , base64] = NOTE_KEY.exec(text.trim()) ?? [];
  const key = base64 === undefined ? parsePem(text) : parseSeed(base64);
  if (key?.asymmetricKeyType !== 'ed25519') throw new TypeError('no Ed25519 private key (PEM or note key)');
  return key;
}

function parsePem(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}

function parseSeed(base64: string): KeyObject | undefined {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.byteLength !== 1 + SEED_BYTES || !NOTE_TYPES.has(bytes[0] ?? 0)) return undefined;
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes.subarray(1)]), format: 'der', type: 'pkcs8' });
}

/** An identity's signer; `made` says that its key is new: whoever runs the gateway should hear of it. */
export interface LoadedSigner {
  readonly signer: NoteSigner;
  readonly made: boolean;
}

/** Reads the identity key of a deployment. Rejects when the file is missing or holds no such key. */
export async function loadSigner(path: string, name: string): Promise<LoadedSigner> {
  return { signer: createKeptNoteSigner(name, await loadSigningKey(path)), made: false };
}

/** Reads a private key from a file; the error names the file, never its content. */
export async function loadSigningKey(path: string): Promise<KeyObject> {
  const text = await readFile(path, 'utf8');
  try {
    return parseSigningKey(text);
  } catch (error) {
    throw new Error(`${path}: ${error instanceof TypeError ? error.message : 'unreadable'}`);
  }
}

/** Reads the key at `path`, or makes one there that only its owner may read. Of several processes at once all get the same. */
export async function loadOrMakeSigner(path: string, name: string): Promise<LoadedSigner> {
  try {
    return await loadSigner(path, name);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  const made = await makeSigningKey(path);
  return { ...(await loadSigner(path, name)), made };
}

/** Writes a new key durably and only where there is none; false when somebody else was first. */
export async function makeSigningKey(path: string): Promise<boolean> {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = join(dirname(path), `.${process.pid}-${process.hrtime.bigint()}.new`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(pem);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, path);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return false;
  } finally {
    await unlink(temporary);
  }
}
