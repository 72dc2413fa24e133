import type { Entry } from '@piste/verifier';

/** What could not be recorded although it went on, until a record says so. */
export interface Losses {
  /** One record of `bytes` delivered or sent is lost, or may be. */
  add(what: 'request' | 'answer', bytes: number): void;
  /** Called before every append: says what was lost, once that can be written again. */
  tell(): void;
}

export interface LossesDeps {
  readonly append: (entry: Entry) => Promise<unknown>;
  readonly nowMs: () => number;
  readonly onLost: () => void;
}

const NOTHING = { request: 0, answer: 0, bytes: 0, from: 0, to: 0 };

/**
 * Counts losses and writes them down as a `gap` record as soon as one is taken. A writer that failed takes none any more:
 * what it lost is bounded by the log's end, which the next start records as `writer.sealed`.
 */
export function createLosses({ append, nowMs, onLost }: LossesDeps): Losses {
  let lost = { ...NOTHING };
  let telling = false;

  return {
    add(what, bytes) {
      const at = Math.trunc(nowMs());
      const from = lost.from === 0 ? at : lost.from;
      lost = { ...lost, [what]: lost[what] + 1, bytes: lost.bytes + bytes, from, to: at };
      onLost();
    },
    tell() {
      const count = lost.request + lost.answer;
      if (count === 0 || telling) return;
      telling = true;
      const told = lost;
      lost = { ...NOTHING };
      const fields = {
        count,
        requests: told.request,
        answers: told.answer,
        bytes: told.bytes,
        from: told.from,
        to: told.to,
      };
      append({ kind: 'gap', sessionId: undefined, fields, bodies: [] })
        .catch(() => {
          lost = {
            request: lost.request + told.request,
            answer: lost.answer + told.answer,
            bytes: lost.bytes + told.bytes,
            from: told.from,
            to: Math.max(lost.to, told.to),
          };
        })
        .finally(() => {
          telling = false;
        });
    },
  };
}
