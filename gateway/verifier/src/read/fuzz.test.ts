import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildLog, FIRST_ULID } from '../fixture/corpus.js';
import { trustIn } from '../fixture/log-builder.js';
import { verifyFiles } from '../fixture/verdicts.js';
import { encodeCanonical, parseCanonicalObject } from '../format/canonical-json.js';
import { parseCommitText } from '../format/checkpoint.js';
import { decodeFrameHeader, encodeFrame } from '../format/frame.js';
import { parseLeaf } from '../format/leaf.js';
import { openNote, parseVkey } from '../format/signed-note.js';
import { parseTrust } from '../judge/trust.js';

const RUNS = process.env['PISTE_TORTURE'] === '1' ? 200_000 : 300;
const TORTURE_TIMEOUT_MS = 3_600_000;

const log = buildLog(FIRST_ULID);
const SEGMENT = `${FIRST_ULID}/00000001.seg`;
const segment = log.files().get(SEGMENT) ?? Buffer.alloc(0);
const leafText = '{"f":{"op":"x"},"k":"control","m":5,"sid":"s","ss":0,"t":7,"v":1}';

/** Bytes with a stretch replaced by others. */
function mutated(bytes: Buffer): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.nat(bytes.byteLength), fc.nat(40), fc.uint8Array({ maxLength: 40 }))
    .map(([at, cut, noise]) => Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at + cut)]));
}

describe('whatever the bytes are', () => {
  test(
    'a leaf that is accepted is exactly its own canonical form',
    () => {
      const source = fc.oneof(
        mutated(Buffer.from(leafText)),
        fc.json().map((text) => Buffer.from(text)),
      );
      fc.assert(
        fc.property(source, (bytes) => {
          const object = parseCanonicalObject(bytes);
          if (object !== undefined) expect(encodeCanonical(object)).toBe(bytes.toString('utf8'));
          if (parseLeaf(bytes) !== undefined) expect(object).toBeDefined();
        }),
        { numRuns: RUNS },
      );
      expect(parseLeaf(Buffer.from(leafText))).toBeDefined();
    },
    TORTURE_TIMEOUT_MS,
  );

  test(
    'notes, keys, commits, frames and trust files are read or refused, never a failure',
    () => {
      const verifier = parseVkey(log.vkey);
      if (verifier === undefined) throw new Error('the key must be one');
      const note = Buffer.from(log.anchor().note ?? '');
      fc.assert(
        fc.property(mutated(note), mutated(Buffer.from(log.vkey)), mutated(segment), (text, vkey, frame) => {
          if (openNote(text, verifier) !== undefined) expect(text.equals(note)).toBe(true);
          if (parseVkey(vkey.toString('utf8')) !== undefined) expect(vkey.toString('utf8')).toBe(log.vkey);
          parseCommitText(text.toString('utf8'));
          decodeFrameHeader(frame);
          parseTrust(frame.toString('latin1'));
        }),
        { numRuns: RUNS },
      );
    },
    TORTURE_TIMEOUT_MS,
  );

  test(
    'a log that is not the one that was signed is never sound',
    async () => {
      const trust = trustIn([log]);
      const frames = fc.tuple(fc.constantFrom('header', 'body', 'entry', 'commit'), fc.uint8Array({ maxLength: 60 }));
      const inserted = fc
        .tuple(frames, fc.nat(segment.byteLength))
        .map(([[type, payload], at]) =>
          Buffer.concat([segment.subarray(0, at), encodeFrame(type, payload), segment.subarray(at)]),
        );
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            mutated(segment),
            inserted,
            fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          ),
          async (bytes) => {
            const { outcome } = await verifyFiles(new Map([[SEGMENT, bytes]]), trust);
            const isSame = bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1).equals(segment);
            expect(outcome).toBe(isSame ? 'sound' : 'tampered');
          },
        ),
        { numRuns: RUNS },
      );
    },
    TORTURE_TIMEOUT_MS,
  );
});
