import type { LogRecord } from '../recording/index.js';
import { numberIn, objectIn, stringIn } from './fields.js';

interface Begun {
  /** Statement and part. */
  readonly place: string;
  readonly rows: (Buffer | undefined)[];
}

/**
 * Gives a `chunk` whose rows stand in several records all of them: docs/recording-format.md, "What left". Where some are not here or
 * cannot be read, none. Takes records in the order of their log; the pieces themselves stay as they are.
 */
export function createPieceJoiner(): (record: LogRecord) => LogRecord {
  const begun = new Map<string, Begun>();

  const placeOf = ({ log, leaf: { fields } }: LogRecord): string =>
    JSON.stringify([log, stringIn(fields, 'qid') ?? null, numberIn(fields, 'n') ?? null]);

  function join(record: LogRecord): LogRecord {
    const pieces = objectIn(record.leaf.fields, 'pieces');
    if (pieces === undefined) return record;
    const key = `${record.log} ${stringIn(pieces, 'id') ?? ''}`;
    const found = begun.get(key)?.rows ?? [];
    begun.delete(key);
    const rows = [...found, record.bodies.get('rows')].filter((some) => some !== undefined);
    const bodies = new Map(record.bodies);
    bodies.delete('rows');
    if (found.length !== numberIn(pieces, 'count') || rows.length <= found.length)
      return { ...record, bodies, unread: new Map([['rows', 'missing'], ...record.unread]) };
    return { ...record, bodies: bodies.set('rows', Buffer.concat(rows)) };
  }

  return (record) => {
    const { kind, fields } = record.leaf;
    if (kind === 'chunk') return join(record);
    if (kind === 'chunk.piece') {
      const key = `${record.log} ${stringIn(fields, 'id') ?? ''}`;
      const one = begun.get(key) ?? { place: placeOf(record), rows: [] };
      begun.set(key, one);
      one.rows.push(record.bodies.get('rows'));
    }
    if (kind === 'response.withheld') {
      const place = placeOf(record);
      for (const [key, one] of begun) if (one.place === place) begun.delete(key);
    }
    return record;
  };
}
