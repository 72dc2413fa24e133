import { parentPort } from 'node:worker_threads';
import { init, parse } from '@guanmingchiu/sqlparser-ts';

/** A text read by the other parser, in a thread that may be thrown away. */
export type Parsed =
  | { readonly kind: 'tree'; readonly json: string }
  /** Its own refusal: it stays usable. */
  | { readonly kind: 'refused'; readonly message: string }
  /** Anything else: nothing it says afterwards can be trusted. */
  | { readonly kind: 'broken'; readonly message: string };

const POSITIONS: ReadonlySet<string> = new Set(['span', 'sql_location', 'select_token', 'optimizer_hints']);

function parseOne(sqlText: string): Parsed {
  try {
    const statements = parse(sqlText, 'snowflake');
    return {
      kind: 'tree',
      json: JSON.stringify(statements, (key, value: unknown) => (POSITIONS.has(key) ? undefined : value)),
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: message.startsWith('sql parser error:') ? 'refused' : 'broken', message };
  }
}

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker');
await init();
port.on('message', (texts: readonly string[]) => {
  for (const sqlText of texts) port.postMessage(parseOne(sqlText));
});
