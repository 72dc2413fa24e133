import type { EntryValue } from '../format/entry.js';
import { platform } from '../platform/index.js';
import type { ScannedRecord } from '../read/scan.js';

/** What the pieces of one part hold so far. */
interface Begun {
  readonly hash: ReturnType<typeof platform.createSha256>;
  readonly place: string;
  bytes: number;
  count: number;
  isUnread: boolean;
  /** They are not those of one part, in order. */
  isBroken: boolean;
}

/** The pieces of a part, put together: the hash over them goes on with the rows of the `chunk`. */
export type JoinedPieces = Pick<Begun, 'hash' | 'bytes' | 'isUnread'>;

/** Puts together the `chunk.piece` records of one log. Grows with parts that were begun and not delivered. */
export interface PartPieces {
  add(record: ScannedRecord): void;
  /** The pieces a `chunk` names, once; undefined where they are not those that stand before it. */
  take(chunk: ScannedRecord): JoinedPieces | undefined;
}

type Fields = Readonly<Record<string, EntryValue>>;

const placeOf = ({ qid, n }: Fields): string => JSON.stringify([qid ?? null, n ?? null]);

/** What a `chunk` says of its pieces; undefined where it has none. */
export function piecesNamed({ pieces }: Fields): { readonly id: unknown; readonly count: unknown } | undefined {
  if (pieces === undefined) return undefined;
  const { id, count } = typeof pieces === 'object' && pieces !== null ? (pieces as Fields) : {};
  return { id, count };
}

export function createPartPieces(): PartPieces {
  const begun = new Map<string, Begun>();
  return {
    add({ leaf: { fields }, bodies, unread }) {
      const { id, p } = fields;
      if (typeof id !== 'string') return;
      const pieces = begun.get(id) ?? {
        hash: platform.createSha256(),
        place: placeOf(fields),
        bytes: 0,
        count: 0,
        isUnread: false,
        isBroken: false,
      };
      begun.set(id, pieces);
      pieces.isBroken ||= p !== pieces.count || pieces.place !== placeOf(fields);
      const rows = bodies.get('rows');
      pieces.count += 1;
      pieces.isUnread ||= unread.has('rows');
      pieces.bytes += rows?.byteLength ?? 0;
      if (rows !== undefined) pieces.hash.update(rows);
    },
    take({ leaf: { fields } }) {
      const { id, count } = piecesNamed(fields) ?? {};
      const pieces = typeof id === 'string' ? begun.get(id) : undefined;
      begun.delete(String(id));
      const isWhole = pieces !== undefined && !pieces.isBroken && pieces.count === count;
      return isWhole && pieces.place === placeOf(fields) ? pieces : undefined;
    },
  };
}
