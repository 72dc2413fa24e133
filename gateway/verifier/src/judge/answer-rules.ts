import { digestIn } from '../format/blind.js';
import type { EntryValue } from '../format/entry.js';
import { platform } from '../platform/index.js';
import type { ScannedRecord } from '../read/scan.js';
import type { Finding } from './finding.js';
import { createPartPieces, type JoinedPieces, type PartPieces, piecesNamed } from './part-pieces.js';

/** Bodies the comparison needs. */
export const ANSWER_BODIES: ReadonlySet<string> = new Set(['head', 'rows']);

/** Compares what records say was delivered (`out`) with what their bodies give: docs/recording-format.md, "Answers". */
export interface AnswerRules {
  add(record: ScannedRecord, log: string): void;
  findings(): readonly Finding[];
}

const NOTHING = Buffer.alloc(0);
const START = Buffer.from('{"data":', 'utf8');
const TAIL = Buffer.from('},"code":null,"message":null,"success":true}', 'utf8');
/** Encoded as base64 at once; a multiple of 3, so that no padding comes between. */
const BASE64_STEP_BYTES = 3 * 16_384;
const KINDS: ReadonlySet<string> = new Set(['response', 'response.withheld', 'chunk', 'request.refused']);

/** Creates the comparison: what it remembers grows only with large parts that were begun and not delivered. */
export function createAnswerRules(): AnswerRules {
  const findings: Finding[] = [];
  let withParts = 0;
  let unreadable = 0;
  const piecesByLog = new Map<string, PartPieces>();

  function piecesIn(log: string): PartPieces {
    const pieces = piecesByLog.get(log) ?? createPartPieces();
    piecesByLog.set(log, pieces);
    return pieces;
  }

  return {
    add(record, log) {
      const { leaf, index, unread, blind } = record;
      const { kind, fields } = leaf;
      if (kind === 'chunk.piece') piecesIn(log).add(record);
      const out = readOut(fields['out']);
      if (out === undefined || !KINDS.has(kind)) return;
      if (kind === 'request.refused' && leaf.parts.every(({ name }) => name !== 'head')) return;
      const before = kind === 'chunk' && piecesNamed(fields) !== undefined ? piecesIn(log).take(record) : NO_PIECES();
      if (hasFurtherParts(record)) withParts += 1;
      else if (
        unread.has('head') ||
        unread.has('rows') ||
        before?.isUnread === true ||
        (blind !== undefined && blind.secret === undefined)
      )
        unreadable += 1;
      else if (before === undefined || !isDelivered(out, before, record)) {
        const message = 'what was delivered is not what its bodies give';
        findings.push({ severity: 'tampered', code: 'answer-mismatch', message, log, index });
      }
    },
    findings() {
      const count = withParts + unreadable;
      if (count === 0) return findings;
      const message = `${count} answers could not be compared with what was delivered: ${withParts} have further parts, of ${unreadable} the bodies cannot be read here`;
      return [...findings, { severity: 'note', code: 'answers-not-compared', message }];
    },
  };
}

interface Out {
  readonly len: number;
  readonly sha: string;
}

function readOut(value: EntryValue | undefined): Out | undefined {
  if (typeof value !== 'object' || value === null || !('len' in value) || !('sha' in value)) return undefined;
  const { len, sha } = value;
  return typeof len === 'number' && typeof sha === 'string' ? { len, sha } : undefined;
}

/** Its `head` names digests where the answer named capabilities. */
function hasFurtherParts({ leaf: { kind, fields } }: ScannedRecord): boolean {
  const { parts } = fields;
  return kind === 'response' && typeof parts === 'number' && parts > 0;
}

/** The bytes that left, bit by bit; of a part those behind its pieces. */
function* bytesOf({ leaf: { kind, fields }, bodies }: ScannedRecord): Generator<Uint8Array> {
  const head = bodies.get('head') ?? NOTHING;
  const rows = bodies.get('rows') ?? NOTHING;
  const { fmt } = fields;
  if (kind === 'chunk') yield rows;
  else if (kind !== 'response' || typeof fmt !== 'string') yield head;
  else {
    yield START;
    yield head.subarray(0, -1);
    if (fmt === 'arrow') {
      yield Buffer.from(',"rowsetBase64":"', 'utf8');
      yield* base64Of(rows);
      yield Buffer.from('"', 'utf8');
    } else {
      yield Buffer.from(',"rowset":', 'utf8');
      yield rows;
    }
    yield TAIL;
  }
}

function* base64Of(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += BASE64_STEP_BYTES)
    yield Buffer.from(bytes.subarray(at, at + BASE64_STEP_BYTES).toString('base64'), 'latin1');
}

const NO_PIECES = (): JoinedPieces => ({ hash: platform.createSha256(), bytes: 0, isUnread: false });

function isDelivered({ len, sha }: Out, { hash, bytes }: JoinedPieces, record: ScannedRecord): boolean {
  let length = bytes;
  for (const some of bytesOf(record)) {
    length += some.byteLength;
    if (length > len) return false;
    hash.update(some);
  }
  return length === len && digestIn(record.blind, 'out', hash.digest().toString('hex')) === sha;
}
