import type { Entry, RecordingMode } from '@piste/verifier';
import { type Answer, issueAnswer, withDelivered } from './answer.js';
import type { Losses } from './losses.js';
import type { Taken } from './part-records.js';
import { createPartStreams, type ResultPart } from './part-streams.js';
import type { Receipt } from './receipt.js';

/** What an answer belongs to. */
export interface AnswerScope {
  /** Undefined where nobody is known yet. */
  readonly connection?: string | undefined;
  /** For parts of large results. */
  readonly part?: ResultPart;
  /** It belongs to a statement that is recorded in `strict`, whatever the mode. */
  readonly isStrict?: boolean;
}

export interface AnsweringDeps {
  readonly append: (entry: Entry) => Promise<Receipt>;
  /** Takes the record of a part when there is room for it. */
  readonly takePart: (entry: Entry) => Promise<Taken>;
  readonly modeOf: (connection: string | undefined) => RecordingMode;
  readonly losses: Losses;
}

/** Bytes that may have left ahead of their records, over all connections; beyond, answers wait for theirs. */
export const MAX_AHEAD_BYTES = 16 * 1024 * 1024;

/** Whether an answer waits for its record. The table of modes: docs/recording-format.md, "Modes". */
type Waiting = 'wait' | 'final-waits' | 'ahead' | 'never';

const WAITING: Readonly<Record<RecordingMode, Waiting>> = {
  strict: 'wait',
  'strict-final': 'final-waits',
  'request-strict': 'ahead',
  observe: 'never',
};

/** Records answers as the mode demands. Rejects with `RecordingUnavailable` where the bytes must not leave. */
export function createAnswering({ append, takePart, modeOf, losses }: AnsweringDeps) {
  const streams = createPartStreams();
  let aheadBytes = 0;

  const isTooFarAhead = (bytes: Buffer): boolean => aheadBytes + bytes.length > MAX_AHEAD_BYTES;

  /** The bytes go; where their record went is told later. */
  function letGo(
    bytes: Buffer,
    recorded: Promise<Receipt>,
  ): { readonly answer: Answer; readonly written: Promise<boolean> } {
    aheadBytes += bytes.length;
    const written = recorded.then(
      () => true,
      () => {
        losses.add('answer', bytes.length);
        return false;
      },
    );
    void written.then(() => {
      aheadBytes -= bytes.length;
    });
    return { answer: issueAnswer(bytes, { kind: 'deferred', written }), written };
  }

  const wait = async (bytes: Buffer, recorded: Promise<Receipt>): Promise<Answer> =>
    issueAnswer(bytes, { kind: 'durable', receipt: await recorded });

  /** A part may leave while its record is being written, not when it was turned away; the last one when all are durable. */
  async function partOfStream(part: ResultPart, bytes: Buffer, taking: Promise<Taken>): Promise<Answer> {
    const { written: recorded } = await taking;
    await Promise.race([recorded, nextTurn()]);
    if (streams.completes(part)) {
      const [answer] = await Promise.all([wait(bytes, recorded), streams.settle(part)]);
      return answer;
    }
    if (isTooFarAhead(bytes)) {
      streams.ahead(
        part,
        recorded.then(
          () => true,
          () => false,
        ),
      );
      return wait(bytes, recorded);
    }
    const { answer, written } = letGo(bytes, recorded);
    streams.ahead(part, written);
    return answer;
  }

  function go(waiting: Waiting, bytes: Buffer, recorded: Promise<Receipt>): Answer | Promise<Answer> {
    const mayGo = waiting === 'never' || (waiting === 'ahead' && !isTooFarAhead(bytes));
    return mayGo ? letGo(bytes, recorded).answer : wait(bytes, recorded);
  }

  return async (
    entry: Entry,
    bytes: Buffer,
    { connection, part, isStrict = false }: AnswerScope = {},
  ): Promise<Answer> => {
    const waiting = WAITING[isStrict ? 'strict' : modeOf(connection)];
    const told = withDelivered(isStrict ? markedStrict(entry) : entry, bytes);
    if (part === undefined) return go(waiting, bytes, append(told));
    const taking = takePart(told);
    if (waiting === 'final-waits') return partOfStream(part, bytes, taking);
    // Before bytes go ahead of their record it has its place in the queue, so that streams keep the pace of the disk.
    if (waiting === 'ahead') await taking.catch(() => undefined);
    return go(
      waiting,
      bytes,
      taking.then(({ written }) => written),
    );
  };
}

/** Says that the record was waited for. */
function markedStrict(entry: Entry): Entry {
  return { ...entry, fields: { ...entry.fields, strict: true } };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
