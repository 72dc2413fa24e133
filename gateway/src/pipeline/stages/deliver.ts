import { type ClientResult, changedParameters, encodeResult, resultHead, stringifyJson } from '../../protocol/index.js';
import type { Entry } from '../../recording/index.js';
import { afterRun } from '../after-run.js';
import type { StatementDeps } from '../deps.js';
import { detectedFields, textBody } from '../entries.js';
import type { Delivered, Masked } from '../exchange.js';
import type { Stop } from '../walk.js';

const inBrackets = (rows: Buffer): Buffer => Buffer.concat([Buffer.from('['), rows, Buffer.from(']')]);

/** Builds the answer from known fields only and records it. */
export async function deliverStage(deps: StatementDeps, masked: Masked): Promise<Delivered | Stop> {
  const { result, queryId, session, inline } = masked;
  const parts = await afterRun(() => deps.parts.register(masked));
  const client: ClientResult = {
    queryId,
    rowtype: masked.rowtype,
    chunks: parts.told,
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
    parts: parts.told.length,
    masked: masked.masks.map((mask) => ({ i: mask.index, m: mask.action.type, p: mask.policy, r: mask.rule })),
    found: detectedFields(masked.detected),
    upq: result.queryId,
  };
  const rows = inline.format === 'json' ? inBrackets(inline.bytes) : inline.bytes;
  const recorded = parts.told.length === 0 ? head : stringifyJson(resultHead({ ...client, chunks: parts.recorded }));
  const bodies = [textBody('head', recorded), { name: 'rows', bytes: rows }];
  const bytes = encodeResult(head, inline.format, rows);
  const entry: Entry = { kind: 'response', sessionId: session.id, fields, bodies };
  const answer = await afterRun(() =>
    deps.recording.recordAnswer(entry, bytes, {
      connection: masked.connection.name,
      isStrict: masked.decision.strictBy !== undefined,
    }),
  );
  deps.metrics.delivered(masked.connection.name, inline.rows, bytes.length);
  return { ...masked, answer };
}
