import { Worker } from 'node:worker_threads';
import type { Parsed } from './parser-worker.js';

/** One text, the start of a worker included. Ordinary texts take less than a millisecond. */
const MAX_MILLISECONDS = 5_000;

interface Running {
  readonly worker: Worker;
  /** Who waits for the answer to the text that is being parsed. */
  answered: (parsed: Parsed) => void;
}

/** The other parser behind a wall: a worker that is replaced when it breaks or takes too long. */
export class OtherParser {
  #running: Running | undefined;
  /** Workers that had to be replaced. */
  broken = 0;

  /** The trees of all texts, in their order. */
  async parse(texts: readonly string[]): Promise<readonly Parsed[]> {
    const parsed: Parsed[] = [];
    while (parsed.length < texts.length) parsed.push(...(await this.#parseUntilBroken(texts.slice(parsed.length))));
    return parsed;
  }

  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.worker.terminate();
  }

  /** Answers up to and including the first that breaks the worker. */
  async #parseUntilBroken(texts: readonly string[]): Promise<readonly Parsed[]> {
    this.#running ??= start();
    const running = this.#running;
    const answers = await new Promise<readonly Parsed[]>((resolve) => {
      const received: Parsed[] = [];
      const timer = setTimeout(
        () => running.answered({ kind: 'broken', message: 'it takes too long' }),
        MAX_MILLISECONDS,
      );
      running.answered = (answer) => {
        received.push(answer);
        timer.refresh();
        if (received.length < texts.length && answer.kind !== 'broken') return;
        clearTimeout(timer);
        running.answered = () => undefined;
        resolve(received);
      };
      running.worker.postMessage(texts);
    });
    if (answers.at(-1)?.kind === 'broken') {
      this.broken += 1;
      await this.close();
    }
    return answers;
  }
}

function start(): Running {
  const running: Running = {
    worker: new Worker(new URL('parser-worker.js', import.meta.url)),
    answered: () => undefined,
  };
  running.worker.on('message', (answer: Parsed) => running.answered(answer));
  running.worker.on('error', (error: unknown) => running.answered({ kind: 'broken', message: String(error) }));
  running.worker.on('exit', () => running.answered({ kind: 'broken', message: 'it stops' }));
  return running;
}
