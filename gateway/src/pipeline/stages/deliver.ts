import { type ClientResult, changedParameters, resultHead, stringifyJson } from '../../protocol/index.js';
import { afterRun } from '../after-run.js';
import type { StatementDeps } from '../deps.js';
import { textBody } from '../entries.js';
import type { Delivered, Masked } from '../exchange.js';
import type { Stop } from '../walk.js';

/**
 * Builds the answer from known fields only and records it. The delivered bytes are
 * `{"data":` head without its last brace `,"rowset":` rows `},"code":null,"message":null,"success":true}`.
 */
export async function deliverStage(deps: StatementDeps, masked: Masked): Promise<Delivered | Stop> {
  const { result, queryId, session, decision } = masked;
  const chunks = await afterRun(() => deps.parts.register(masked));
  const client: ClientResult = {
    queryId,
    rowtype: masked.rowtype,
    chunks,
    parameters: changedParameters(result.parameters, session.clientApp),
    context: result.context,
    copied: result.copied,
  };
  const head = stringifyJson(resultHead(client));
  const rows = JSON.stringify(masked.rows);
  const fields = {
    qid: queryId,
    code: null,
    rows: masked.rows.length,
    cols: masked.rowtype.length,
    parts: chunks.length,
    masked: decision.masks.map((mask) => ({ i: mask.index, m: mask.action.type, p: mask.policy, r: mask.rule })),
    upq: result.queryId,
  };
  const bodies = [textBody('head', head), textBody('rows', rows)];
  await afterRun(() => deps.recording.append({ kind: 'response', sessionId: session.id, fields, bodies }));
  const body = Buffer.from(`{"data":${head.slice(0, -1)},"rowset":${rows}},"code":null,"message":null,"success":true}`);
  deps.metrics.delivered(masked.connection.name, masked.rows.length, body.length);
  return { ...masked, body };
}
