import {
  type ClientResult,
  changedParameters,
  type ResultFormat,
  resultHead,
  stringifyJson,
} from '../../protocol/index.js';
import type { Entry } from '../../recording/index.js';
import { afterRun } from '../after-run.js';
import type { StatementDeps } from '../deps.js';
import { detectedFields, textBody } from '../entries.js';
import type { Delivered, Masked } from '../exchange.js';
import type { Stop } from '../walk.js';

const TAIL = '},"code":null,"message":null,"success":true}';

/**
 * The delivered bytes: `{"data":` head without its last brace, then `,"rowset":` rows, or for Arrow `,"rowsetBase64":"` rows
 * in base64 `"`, and the tail.
 */
function bodyOf(head: string, format: ResultFormat, rows: Buffer): Buffer {
  const start = `{"data":${head.slice(0, -1)}`;
  if (format === 'arrow') return Buffer.from(`${start},"rowsetBase64":"${rows.toString('base64')}"${TAIL}`);
  return Buffer.concat([Buffer.from(`${start},"rowset":`), rows, Buffer.from(TAIL)]);
}

const inBrackets = (rows: Buffer): Buffer => Buffer.concat([Buffer.from('['), rows, Buffer.from(']')]);

/** Builds the answer from known fields only and records it. */
export async function deliverStage(deps: StatementDeps, masked: Masked): Promise<Delivered | Stop> {
  const { result, queryId, session, inline } = masked;
  const chunks = await afterRun(() => deps.parts.register(masked));
  const client: ClientResult = {
    queryId,
    rowtype: masked.rowtype,
    chunks,
    parameters: changedParameters(result.parameters, session.clientApp),
    context: result.context,
    copied: result.copied,
    format: inline.format,
  };
  const head = stringifyJson(resultHead(client));
  const fields = {
    qid: queryId,
    code: null,
    rows: inline.rows,
    fmt: inline.format,
    cols: masked.rowtype.length,
    parts: chunks.length,
    masked: masked.masks.map((mask) => ({ i: mask.index, m: mask.action.type, p: mask.policy, r: mask.rule })),
    found: detectedFields(masked.detected),
    upq: result.queryId,
  };
  const rows = inline.format === 'json' ? inBrackets(inline.bytes) : inline.bytes;
  const bodies = [textBody('head', head), { name: 'rows', bytes: rows }];
  const bytes = bodyOf(head, inline.format, rows);
  const entry: Entry = { kind: 'response', sessionId: session.id, fields, bodies };
  const answer = await afterRun(() =>
    deps.recording.recordAnswer(entry, bytes, { connection: masked.connection.name }),
  );
  deps.metrics.delivered(masked.connection.name, inline.rows, bytes.length);
  return { ...masked, answer };
}
