import type { Entry, RecordingMode } from '@piste/verifier';
import { type Answer, issueAnswer, withDelivered } from './answer.js';
import type { Losses } from './losses.js';
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
  readonly modeOf: (connection: string | undefined) => RecordingMode;
  readonly losses: Losses;
}

/** Bytes that may have left ahead of their records, over all connections; beyond, answers wait for theirs. */
export const MAX_AHEAD_BYTES = 16 * 1024 * 1024;

/** Whether an answer waits for its record. */
type Waiting = 'wait' | 'wait-for-all-parts' | 'part-ahead' | 'ahead' | 'never';

/** The table of modes: docs/recording-format.md, "Modes". */
function waitingOf(mode: RecordingMode, part: { readonly completes: boolean } | undefined): Waiting {
  switch (mode) {
    case 'strict':
      return 'wait';
    case 'strict-final':
      if (part === undefined) return 'wait';
      return part.completes ? 'wait-for-all-parts' : 'part-ahead';
    case 'request-strict':
      return 'ahead';
    case 'observe':
      return 'never';
  }
}

/** Records answers as the mode demands. Rejects with `RecordingUnavailable` where the bytes must not leave. */
export function createAnswering({ append, modeOf, losses }: AnsweringDeps) {
  const streams = createPartStreams();
  let aheadBytes = 0;

  /** The bytes go; where their record went is told later. */
  function letGo(
    bytes: Buffer,
    appended: Promise<Receipt>,
  ): { readonly answer: Answer; readonly written: Promise<boolean> } {
    aheadBytes += bytes.length;
    const written = appended.then(
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

  const wait = async (bytes: Buffer, appended: Promise<Receipt>): Promise<Answer> =>
    issueAnswer(bytes, { kind: 'durable', receipt: await appended });

  /** A part may leave while its record is being written, not when it was turned away. */
  async function partAhead(part: ResultPart, bytes: Buffer, appended: Promise<Receipt>): Promise<Answer> {
    await Promise.race([appended, nextTurn()]);
    const { answer, written } = letGo(bytes, appended);
    streams.ahead(part, written);
    return answer;
  }

  async function lastPart(part: ResultPart, bytes: Buffer, appended: Promise<Receipt>): Promise<Answer> {
    const [answer] = await Promise.all([wait(bytes, appended), streams.settle(part)]);
    return answer;
  }

  return (entry: Entry, bytes: Buffer, { connection, part, isStrict = false }: AnswerScope = {}): Promise<Answer> => {
    const mode = isStrict ? 'strict' : modeOf(connection);
    const waiting = waitingOf(mode, part && { completes: streams.completes(part) });
    const isTooFarAhead = aheadBytes + bytes.length > MAX_AHEAD_BYTES;
    const appended = append(withDelivered(isStrict ? markedStrict(entry) : entry, bytes));
    if (part !== undefined && waiting === 'part-ahead' && !isTooFarAhead) return partAhead(part, bytes, appended);
    if (part !== undefined && waiting === 'wait-for-all-parts') return lastPart(part, bytes, appended);
    const mayGo = waiting === 'never' || (waiting === 'ahead' && !isTooFarAhead);
    return mayGo ? Promise.resolve(letGo(bytes, appended).answer) : wait(bytes, appended);
  };
}

/** Says that the record was waited for. */
function markedStrict(entry: Entry): Entry {
  return { ...entry, fields: { ...entry.fields, strict: true } };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
