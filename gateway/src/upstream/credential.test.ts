import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { jwtVerify } from 'jose';
import { createProofs, fingerprintOf, parsePrivateKey } from './credential.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const NOW_MS = Date.UTC(2026, 0, 1);

describe('a key-pair proof', () => {
  test('is a token that Snowflake can check, good for less than a minute', async () => {
    const [proof] = await createProofs(
      { type: 'KeyPair', user: 'piste_svc', privateKeys: [rsa.privateKey] },
      'acme.eu-central-1',
      NOW_MS,
    );
    expect(proof).toMatchObject({ AUTHENTICATOR: 'SNOWFLAKE_JWT', LOGIN_NAME: 'PISTE_SVC' });
    const { payload, protectedHeader } = await jwtVerify(proof?.TOKEN ?? '', rsa.publicKey, {
      currentDate: new Date(NOW_MS),
    });
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload).toEqual({
      iss: `ACME.PISTE_SVC.${fingerprintOf(rsa.privateKey)}`,
      sub: 'ACME.PISTE_SVC',
      iat: NOW_MS / 1000,
      exp: NOW_MS / 1000 + 55,
    });
  });

  test('comes for every key, in their order', async () => {
    const proofs = await createProofs(
      { type: 'KeyPair', user: 'U', privateKeys: [rsa.privateKey, other.privateKey] },
      'ORG-ACCOUNT',
      NOW_MS,
    );
    expect(proofs).toHaveLength(2);
    await jwtVerify(proofs[0]?.TOKEN ?? '', rsa.publicKey, { currentDate: new Date(NOW_MS) });
    const { payload } = await jwtVerify(proofs[1]?.TOKEN ?? '', other.publicKey, { currentDate: new Date(NOW_MS) });
    expect(payload.sub).toBe('ORG-ACCOUNT.U');
  });

  test('names its key as Snowflake prints it', () => {
    expect(fingerprintOf(rsa.privateKey)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}=$/);
    expect(fingerprintOf(rsa.privateKey)).not.toBe(fingerprintOf(other.privateKey));
  });
});

test('a programmatic access token is its own proof', async () => {
  const proofs = await createProofs(
    { type: 'ProgrammaticAccessToken', user: 'svc', token: 'the-token' },
    'ACME',
    NOW_MS,
  );
  expect(proofs).toEqual([{ AUTHENTICATOR: 'PROGRAMMATIC_ACCESS_TOKEN', LOGIN_NAME: 'SVC', TOKEN: 'the-token' }]);
});

describe('a private key in a file', () => {
  test.each(['pkcs8', 'pkcs1'] as const)('is read as %s', (type) => {
    const pem = rsa.privateKey.export({ type, format: 'pem' });
    const key = parsePrivateKey(Buffer.from(pem));
    expect(createPublicKey(key).equals(rsa.publicKey)).toBe(true);
  });

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const locked = rsa.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  const plain = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  test.each([
    ['empty', ''],
    ['no key', 'not a key'],
    ['a public key', rsa.publicKey.export({ type: 'spki', format: 'pem' })],
    ['locked with a passphrase', locked],
    ['of another kind', ec],
    ['cut', plain.slice(0, 800)],
  ])('that is %s is refused without a word of it', (_what, pem) => {
    let message = '';
    try {
      parsePrivateKey(Buffer.from(pem));
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/^the private key is not an (unencrypted PEM key|RSA key)$/);
  });
});
