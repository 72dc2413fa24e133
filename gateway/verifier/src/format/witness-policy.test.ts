import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeCheckpointText } from './checkpoint.js';
import { cosignedAt, parseCosignatureVkey } from './cosignature.js';
import { createHashTree } from './hash-tree.js';
import { createCosigner } from './kept-signer.js';
import { hashLeaf, sha256 } from './merkle.js';
import { encodeNote, isSignedBy, type Note, parseNote, parseSignatureLines } from './note.js';
import { createNoteSigner } from './note-signer.js';
import { parseVkey } from './signed-note.js';
import { encodeTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.js';
import { makeInclusionProof } from './tree-proof.js';
import { evaluateQuorum, parseWitnessPolicy } from './witness-policy.js';

/** A witness of the public network, as github.com/transparency-dev/formats names it in its tests. */
const REMORA = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';

const witness = (name: string) => createCosigner(name, generateKeyPairSync('ed25519').privateKey);
const log = createNoteSigner('example.com/log');
const W = ['a', 'b', 'c', 'd'].map((name) => witness(`${name}.example/w`));
const [A, B, C, D] = W as [(typeof W)[0], (typeof W)[0], (typeof W)[0], (typeof W)[0]];

function checkpoint(size = 3): { readonly text: string; readonly note: Note } {
  const text = encodeCheckpointText({ origin: log.name, size, root: sha256(Buffer.from('root')) });
  return { text, note: noteOf(log.signNote(text)) };
}

function noteOf(text: string): Note {
  const note = parseNote(Buffer.from(text, 'utf8'));
  if (note === undefined) throw new Error('a note is expected');
  return note;
}

function cosigned(...witnesses: readonly (typeof W)[0][]): Note {
  const { text, note } = checkpoint();
  return noteOf(encodeNote(note) + witnesses.map((each, at) => each.cosign(text, 1_700_000_000 + at)).join(''));
}

describe('cosignatures', () => {
  test('reads a key of the public network, and only with its id and type', () => {
    expect(parseCosignatureVkey(REMORA)?.name).toBe('remora.n621.de');
    expect(parseCosignatureVkey(REMORA.replace('da77', 'da78'))).toBeUndefined();
    expect(parseCosignatureVkey(log.vkey)).toBeUndefined();
    expect(parseVkey(REMORA)).toBeUndefined();
  });

  test('gives the time of a true one, nothing for another text, key or time', async () => {
    const note = cosigned(A);
    const [a, b] = [parseCosignatureVkey(A.vkey), parseCosignatureVkey(B.vkey)];
    if (a === undefined || b === undefined) throw new Error('keys parse');
    expect(await cosignedAt(note, a)).toBe(1_700_000_000);
    expect(await cosignedAt(note, b)).toBeUndefined();
    expect(await cosignedAt({ ...note, text: note.text.replace('\n3\n', '\n4\n') }, a)).toBeUndefined();
    const moved = note.signatures.map((line) => ({ ...line, signature: Buffer.from(line.signature) }));
    moved[1]?.signature.writeBigUInt64BE(1_700_000_001n);
    expect(await cosignedAt({ ...note, signatures: moved }, a)).toBeUndefined();
  });

  test('a log signature stays valid beside cosignatures, and one broken line of the log spoils it', async () => {
    const verifier = parseVkey(log.vkey);
    if (verifier === undefined) throw new Error('the key parses');
    const note = cosigned(A, B);
    expect(await isSignedBy(note, verifier)).toBe(true);
    const [own] = note.signatures;
    if (own === undefined) throw new Error('a signature is expected');
    const broken = { ...own, signature: Buffer.alloc(64, 1) };
    expect(await isSignedBy({ ...note, signatures: [...note.signatures, broken] }, verifier)).toBe(false);
  });
});

describe('notes', () => {
  test('read back what was written', () => {
    const note = cosigned(A, B, C, D);
    expect(note.signatures).toHaveLength(5);
    expect(encodeNote(noteOf(encodeNote(note)))).toBe(encodeNote(note));
  });

  test.each([
    ['no signature', (text: string) => text.slice(0, text.indexOf('\n\n') + 2)],
    ['a control character', (text: string) => text.replace('example.com', 'example\tcom')],
    ['a signature without its dash', (text: string) => text.replace('— ', '- ')],
    ['a missing newline', (text: string) => text.slice(0, -1)],
    ['base64 not canonical', (text: string) => text.replace(/=\n$/, '\n')],
  ])('refuse %s', (_, change) => {
    const text = encodeNote(checkpoint().note);
    expect(change(text)).not.toBe(text);
    expect(parseNote(Buffer.from(change(text), 'utf8'))).toBeUndefined();
  });

  test('never throw on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void parseNote(bytes)));
    fc.assert(fc.property(fc.string(), (text) => void parseSignatureLines(text)));
  });
});

describe('witness policy', () => {
  const FILE = `# two houses
log ${log.vkey}  https://log.example/
witness A ${A.vkey} https://a.example/
witness B ${B.vkey}
witness C ${C.vkey}
\twitness D ${D.vkey}
group house-1 2 A B C
group both all house-1 D
quorum both
`;

  test.each([
    [[A, B, D], true],
    [[A, B, C, D], true],
    [[A, B, C], false],
    [[A, D], false],
    [[], false],
  ])('counts by group (case %#)', async (witnesses, isMet) => {
    const parsed = parseWitnessPolicy(FILE);
    if (!parsed.ok) throw new Error(parsed.complaint);
    expect(parsed.policy.witnesses.map(({ url }) => url)).toEqual([
      'https://a.example/',
      undefined,
      undefined,
      undefined,
    ]);
    expect((await evaluateQuorum(parsed.policy, cosigned(...witnesses))).isMet).toBe(isMet);
  });

  test('takes none as no quorum, and one witness as one', () => {
    const none = parseWitnessPolicy('quorum none\n');
    expect(none.ok && none.policy.isQuorum(new Set())).toBe(true);
    const one = parseWitnessPolicy(`witness A ${A.vkey}\nquorum A\n`);
    expect(one.ok && one.policy.isQuorum(new Set())).toBe(false);
    expect(one.ok && one.policy.isQuorum(new Set(['A']))).toBe(true);
  });

  test.each([
    ['no quorum', `witness A ${A.vkey}\n`],
    ['two quorums', 'quorum none\nquorum none\n'],
    ['a name used before it is defined', `group g any A\nwitness A ${A.vkey}\nquorum g\n`],
    ['an unknown quorum', 'quorum x\n'],
    ['one key under two names', `witness A ${A.vkey}\nwitness B ${A.vkey}\nquorum A\n`],
    ['a name twice', `witness A ${A.vkey}\nwitness A ${B.vkey}\nquorum A\n`],
    ['a member twice', `witness A ${A.vkey}\ngroup g 2 A A\nquorum g\n`],
    ['a member of two groups', `witness A ${A.vkey}\ngroup g any A\ngroup h any A\nquorum g\n`],
    ['a threshold too high', `witness A ${A.vkey}\ngroup g 2 A\nquorum g\n`],
    ['a threshold of nought', `witness A ${A.vkey}\ngroup g 0 A\nquorum g\n`],
    ['none as a member', `witness A ${A.vkey}\ngroup g any A none\nquorum g\n`],
    ['a log key as a witness', `witness A ${log.vkey}\nquorum A\n`],
    ['a witness key as a log', `log ${A.vkey}\nquorum none\n`],
    ['an unknown keyword', 'mirror x\nquorum none\n'],
    ['a carriage return', 'quorum none\r\n'],
  ])('refuses %s', (_, text) => {
    expect(parseWitnessPolicy(text).ok).toBe(false);
  });
});

describe('tlog-proof files', () => {
  const tree = createHashTree();
  for (let at = 0; at < 21; at += 1) tree.append(hashLeaf(Buffer.from(`entry ${at}`)));
  const text = encodeCheckpointText({ origin: log.name, size: 21, root: tree.root() });
  const proof = { index: 13, hashes: makeInclusionProof(tree, 13), checkpoint: log.signNote(text) };
  const verifier = parseVkey(log.vkey);
  const accept = async (note: Note): Promise<boolean> => verifier !== undefined && isSignedBy(note, verifier);

  test('prove one entry, at its place, in this log', async () => {
    const file = encodeTlogProof({ ...proof, extra: Buffer.from('x') });
    const read = parseTlogProof(file);
    if (read === undefined) throw new Error('the proof reads');
    expect(encodeTlogProof(read)).toBe(file);
    const leafHash = tree.subtree(0, 13);
    expect(await verifyTlogProof(read, { leafHash, origin: log.name, accept })).toBe(true);
    expect(await verifyTlogProof(read, { leafHash: tree.subtree(0, 12), origin: log.name, accept })).toBe(false);
    expect(await verifyTlogProof({ ...read, index: 12 }, { leafHash, origin: log.name, accept })).toBe(false);
    expect(await verifyTlogProof(read, { leafHash, origin: 'example.com/other', accept })).toBe(false);
    expect(await verifyTlogProof(read, { leafHash, origin: log.name, accept: () => false })).toBe(false);
  });

  test('are refused where a line is not exactly as specified', () => {
    const file = encodeTlogProof(proof);
    for (const bad of [
      file.replace('@v1', '@v2'),
      file.replace('index 13', 'index 013'),
      file.replace('index 13', 'index -1'),
      file.replace('index 13\n', ''),
      file.replace('=\n', '\n'),
      file.slice(0, 40),
    ]) {
      expect(bad).not.toBe(file);
      expect(parseTlogProof(bad)).toBeUndefined();
    }
  });
});
