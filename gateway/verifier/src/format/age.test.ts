import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Decrypter, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { type AgeIdentity, type AgeRecipient, openSecret, parseIdentity, parseRecipient, wrapSecret } from './age.js';
import { parseIdentities, parseRecipients } from './age-keys.js';

interface Person {
  readonly text: string;
  readonly identity: AgeIdentity;
  readonly recipient: AgeRecipient;
}

async function createPerson(): Promise<Person> {
  const text = await generateIdentity();
  const identity = parseIdentity(text);
  const recipient = parseRecipient(await identityToRecipient(text));
  if (identity === undefined || recipient === undefined) throw new Error('a fresh key does not parse');
  return { text, identity, recipient };
}

describe('age files', () => {
  test('the public key of an identity is its recipient', async () => {
    const { identity, recipient } = await createPerson();
    expect(identity.publicBytes).toEqual(recipient.publicBytes);
  });

  test('another implementation opens what is wrapped here, for each of several recipients', async () => {
    const people = [await createPerson(), await createPerson(), await createPerson()];
    for (const length of [0, 1, 32, 65_536]) {
      const secret = randomBytes(length);
      const file = wrapSecret(
        secret,
        people.map(({ recipient }) => recipient),
      );
      for (const { text, identity } of people) {
        const decrypter = new Decrypter();
        decrypter.addIdentity(text);
        expect(Buffer.from(await decrypter.decrypt(file))).toEqual(secret);
        expect(openSecret(file, [identity])).toEqual(secret);
      }
    }
  });

  test('what another implementation wraps is opened here, beside recipients of a kind unknown here', async () => {
    const { identity, recipient } = await createPerson();
    const secret = randomBytes(32);
    const encrypter = new Encrypter();
    encrypter.addRecipient({
      wrapFileKey: () => [{ args: ['other', 'words'], body: Buffer.alloc(100) } as never],
    });
    encrypter.addRecipient(recipient.text);
    expect(openSecret(await encrypter.encrypt(secret), [identity])).toEqual(secret);
  });

  test('nobody else opens one', async () => {
    const file = wrapSecret(randomBytes(32), [(await createPerson()).recipient]);
    expect(openSecret(file, [(await createPerson()).identity])).toBeUndefined();
    expect(openSecret(file, [])).toBeUndefined();
  });

  test('no changed, cut or lengthened file opens', async () => {
    const { identity, recipient } = await createPerson();
    const file = wrapSecret(randomBytes(32), [recipient]);
    const opened: string[] = [];
    for (let at = 0; at < file.byteLength; at += 1) {
      const changed = Buffer.from(file);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      if (openSecret(changed, [identity]) !== undefined) opened.push(`changed at ${at}`);
      if (openSecret(file.subarray(0, at), [identity]) !== undefined) opened.push(`cut at ${at}`);
    }
    if (openSecret(Buffer.concat([file, Buffer.alloc(1)]), [identity]) !== undefined) opened.push('lengthened');
    expect(opened).toEqual([]);
  });

  test('a share of low order opens nothing', async () => {
    const { identity, recipient } = await createPerson();
    const text = wrapSecret(randomBytes(32), [recipient]).toString('latin1');
    const forged = text.replace(/-> X25519 \S+/, `-> X25519 ${'A'.repeat(43)}`);
    expect(openSecret(Buffer.from(forged, 'latin1'), [identity])).toBeUndefined();
  });

  test('any bytes at all are refused without an error', async () => {
    const { identity } = await createPerson();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => openSecret(bytes, [identity]) === undefined));
  });
});

describe('files of age keys', () => {
  test('reads one key per line, past comments and empty lines', async () => {
    const [ann, ben] = [await createPerson(), await createPerson()];
    const recipients = parseRecipients(`# auditors\n${ann.recipient.text}\n\n  ${ben.recipient.text}\r\n`);
    expect(recipients).toEqual({ ok: true, keys: [ann.recipient, ben.recipient] });
    expect(parseIdentities(`# created: today\n${ann.text}\n`)).toMatchObject({ ok: true });
  });

  test('names bad lines by number and never repeats them', async () => {
    const { text, recipient } = await createPerson();
    const complaints = parseRecipients(`${recipient.text}\n${text}\nage1short\n`);
    expect(complaints).toEqual({
      ok: false,
      complaints: ['line 2 is not an age recipient (age1…)', 'line 3 is not an age recipient (age1…)'],
    });
    expect(parseRecipients('# nobody\n')).toMatchObject({ ok: false });
    expect(parseIdentities(recipient.text)).toMatchObject({ ok: false });
  });
});
