import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { decodeBech32 } from './bech32.js';

/**
 * age v1 files (age-encryption.org/v1, c2sp.org/age) for one short secret and X25519 recipients:
 *
 *     age-encryption.org/v1
 *     -> X25519 <ephemeral share>      per recipient
 *     <file key, wrapped>
 *     --- <HMAC of everything before, by a key from the file key>
 *     16 bytes nonce ‖ ChaCha20-Poly1305(secret)
 */
const VERSION_LINE = 'age-encryption.org/v1';
const STANZA = 'X25519';
const WRAP_INFO = 'age-encryption.org/v1/X25519';
const FILE_KEY_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_BYTES = 16;
const TAG_BYTES = 16;
/** The payload is cut into chunks of this size; a secret is one. */
const MAX_SECRET_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 256 * 1024;
const CIPHER = 'chacha20-poly1305';
const WRAP_NONCE = Buffer.alloc(12);
/** Counter 0, last chunk. */
const ONLY_CHUNK_NONCE = Buffer.concat([Buffer.alloc(11), Uint8Array.of(1)]);
/** DER headers of X25519 keys (RFC 8410); the 32 key bytes follow. */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const RECIPIENT_PREFIX = 'age';
const IDENTITY_PREFIX = 'age-secret-key-';

/** Somebody a secret can be wrapped to. */
export interface AgeRecipient {
  /** `age1…` */
  readonly text: string;
  readonly publicBytes: Buffer;
}

/** Somebody who can open what was wrapped to them. */
export interface AgeIdentity {
  readonly publicBytes: Buffer;
  readonly privateKey: KeyObject;
}

/** Reads an X25519 recipient (`age1…`); undefined for anything else. */
export function parseRecipient(text: string): AgeRecipient | undefined {
  const publicBytes = text === text.toLowerCase() ? decodeBech32(RECIPIENT_PREFIX, text) : undefined;
  return publicBytes?.byteLength === KEY_BYTES ? { text, publicBytes } : undefined;
}

/** Reads an X25519 identity (`AGE-SECRET-KEY-1…`); undefined for anything else. */
export function parseIdentity(text: string): AgeIdentity | undefined {
  const secret = text === text.toUpperCase() ? decodeBech32(IDENTITY_PREFIX, text) : undefined;
  return secret?.byteLength === KEY_BYTES ? toIdentity(secret) : undefined;
}

function toIdentity(secret: Uint8Array): AgeIdentity {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, secret]), type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { publicBytes: spki.subarray(SPKI_PREFIX.byteLength), privateKey };
}

/** Wraps a secret of at most 64 KiB to at least one recipient. */
export function wrapSecret(secret: Uint8Array, recipients: readonly AgeRecipient[]): Buffer {
  if (recipients.length === 0 || secret.byteLength > MAX_SECRET_BYTES) throw new RangeError('cannot be wrapped');
  const fileKey = randomBytes(FILE_KEY_BYTES);
  const stanzas = recipients.map((recipient) => wrapFileKey(fileKey, recipient));
  const header = `${VERSION_LINE}\n${stanzas.join('')}---`;
  const nonce = randomBytes(NONCE_BYTES);
  const payload = seal(streamKey(fileKey, nonce), ONLY_CHUNK_NONCE, secret);
  return Buffer.concat([Buffer.from(`${header} ${toText(macOf(fileKey, header))}\n`, 'utf8'), nonce, payload]);
}

function wrapFileKey(fileKey: Buffer, { publicBytes }: AgeRecipient): string {
  const ephemeral = toIdentity(randomBytes(KEY_BYTES));
  const wrapKey = deriveWrapKey(ephemeral, {
    share: ephemeral.publicBytes,
    other: publicBytes,
    recipient: publicBytes,
  });
  return `-> ${STANZA} ${toText(ephemeral.publicBytes)}\n${toText(seal(wrapKey, WRAP_NONCE, fileKey))}\n`;
}

/** The secret, if one of the identities can open it; undefined for damaged files, too. */
export function openSecret(file: Uint8Array, identities: readonly AgeIdentity[]): Buffer | undefined {
  const parsed = parseFile(Buffer.from(file.buffer, file.byteOffset, file.byteLength));
  if (parsed === undefined) return undefined;
  for (const identity of identities) {
    for (const stanza of parsed.stanzas) {
      const fileKey = unwrapFileKey(stanza, identity);
      if (fileKey === undefined) continue;
      if (!timingSafeEqual(macOf(fileKey, parsed.header), parsed.mac)) return undefined;
      const nonce = parsed.payload.subarray(0, NONCE_BYTES);
      return unseal(streamKey(fileKey, nonce), ONLY_CHUNK_NONCE, parsed.payload.subarray(NONCE_BYTES));
    }
  }
  return undefined;
}

interface Stanza {
  readonly share: Buffer;
  readonly wrapped: Buffer;
}

interface ParsedFile {
  /** What the MAC covers. */
  readonly header: string;
  readonly mac: Buffer;
  /** X25519 ones only. */
  readonly stanzas: readonly Stanza[];
  readonly payload: Buffer;
}

function parseFile(file: Buffer): ParsedFile | undefined {
  const macLineAt = file.subarray(0, MAX_HEADER_BYTES).indexOf('\n--- ', 0, 'latin1');
  const headerEnd = macLineAt < 0 ? -1 : file.indexOf('\n', macLineAt + 1, 'latin1');
  if (headerEnd < 0) return undefined;
  const header = file.toString('latin1', 0, macLineAt + 4);
  const mac = fromText(file.toString('latin1', macLineAt + 5, headerEnd));
  const [version, ...lines] = file.toString('latin1', 0, macLineAt).split('\n');
  const payload = file.subarray(headerEnd + 1);
  const sizes = { least: NONCE_BYTES + TAG_BYTES, most: NONCE_BYTES + MAX_SECRET_BYTES + TAG_BYTES };
  if (version !== VERSION_LINE || mac?.byteLength !== KEY_BYTES) return undefined;
  if (payload.byteLength < sizes.least || payload.byteLength > sizes.most) return undefined;
  return { header, mac, stanzas: parseStanzas(lines), payload };
}

/** Other kinds of recipients are for other tools: their lines are passed over, and covered by the MAC. */
function parseStanzas(lines: readonly string[]): readonly Stanza[] {
  return lines.flatMap((line, index) => {
    const [arrow, kind, shareText, ...rest] = line.split(' ');
    if (arrow !== '->' || kind !== STANZA || shareText === undefined || rest.length > 0) return [];
    const share = fromText(shareText);
    const wrapped = fromText(lines[index + 1] ?? '');
    if (share?.byteLength !== KEY_BYTES || wrapped?.byteLength !== FILE_KEY_BYTES + TAG_BYTES) return [];
    return [{ share, wrapped }];
  });
}

function unwrapFileKey({ share, wrapped }: Stanza, identity: AgeIdentity): Buffer | undefined {
  try {
    const wrapKey = deriveWrapKey(identity, { share, other: share, recipient: identity.publicBytes });
    return unseal(wrapKey, WRAP_NONCE, wrapped);
  } catch {
    // A share that is no point of the curve's group.
    return undefined;
  }
}

interface Exchange {
  readonly share: Buffer;
  /** Public key of the other side. */
  readonly other: Buffer;
  readonly recipient: Buffer;
}

function deriveWrapKey({ privateKey }: AgeIdentity, { share, other, recipient }: Exchange): Buffer {
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, other]), type: 'spki', format: 'der' });
  const shared = diffieHellman({ privateKey, publicKey });
  if (shared.every((byte) => byte === 0)) throw new RangeError('the share is of low order');
  return derive(shared, Buffer.concat([share, recipient]), WRAP_INFO);
}

function streamKey(fileKey: Buffer, nonce: Buffer): Buffer {
  return derive(fileKey, nonce, 'payload');
}

function macOf(fileKey: Buffer, header: string): Buffer {
  return createHmac('sha256', derive(fileKey, Buffer.alloc(0), 'header'))
    .update(header, 'latin1')
    .digest();
}

function derive(secret: Buffer, salt: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, KEY_BYTES));
}

function seal(key: Buffer, nonce: Buffer, plain: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function unseal(key: Buffer, nonce: Buffer, sealed: Buffer): Buffer | undefined {
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.byteLength - TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** Base64 without padding. */
function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}

function fromText(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return toText(bytes) === text ? bytes : undefined;
}
