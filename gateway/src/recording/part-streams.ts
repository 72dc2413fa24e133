import { RecordingUnavailable } from './recording-unavailable.js';

/** One part of a large result. */
export interface ResultPart {
  /** Names the result among those under way; never recorded. */
  readonly result: string;
  readonly index: number;
  /** Parts of the result. */
  readonly count: number;
}

/** Parts that left before their records were durable, until the last one of their result. */
export interface PartStreams {
  /** True when the driver would hold the whole result with this part. */
  completes(part: ResultPart): boolean;
  /** A part leaves ahead of its record; `written` resolves false when that record is lost. */
  ahead(part: ResultPart, written: Promise<boolean>): void;
  /** Resolves when all that left of the result is durable. Rejects with `RecordingUnavailable` when some of it is lost. */
  settle(part: ResultPart): Promise<void>;
}

interface Stream {
  readonly seen: Set<number>;
  readonly underWay: Set<Promise<boolean>>;
  isBroken: boolean;
}

/** Results followed at once; of one that is forgotten every part waits for its record. */
const MAX_STREAMS = 4_096;

export function createPartStreams(): PartStreams {
  const streams = new Map<string, Stream>();

  const isFull = (result: string): boolean => !streams.has(result) && streams.size >= MAX_STREAMS;

  return {
    completes({ result, index, count }) {
      if (index === count - 1 || isFull(result)) return true;
      const stream = streams.get(result);
      if (stream?.isBroken === true) return true;
      const seen = stream?.seen ?? new Set<number>();
      return seen.size + (seen.has(index) ? 0 : 1) >= count;
    },

    ahead({ result, index }, written) {
      const stream = streams.get(result) ?? { seen: new Set(), underWay: new Set(), isBroken: false };
      streams.set(result, stream);
      stream.seen.add(index);
      stream.underWay.add(written);
      void written.then((isWritten) => {
        stream.underWay.delete(written);
        stream.isBroken ||= !isWritten;
      });
    },

    async settle({ result, index, count }) {
      const stream = streams.get(result);
      if (stream === undefined) return;
      await Promise.all(stream.underWay);
      if (stream.isBroken) throw new RecordingUnavailable('an earlier part of the result is not recorded');
      stream.seen.add(index);
      if (stream.seen.size >= count) streams.delete(result);
    },
  };
}
