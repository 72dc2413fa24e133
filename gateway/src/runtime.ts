import { setTimeout as delay } from 'node:timers/promises';

export const VERSION = '0.1.0';

export const clock = { nowMs: () => Date.now(), monotonicNs: () => process.hrtime.bigint() };

export const timers = {
  after(milliseconds: number, work: () => void): () => void {
    const timer = setTimeout(work, milliseconds);
    return () => clearTimeout(timer);
  },
  every(milliseconds: number, work: () => void): () => void {
    const timer = setInterval(work, milliseconds);
    return () => clearInterval(timer);
  },
};

export const sleep = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
  await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
};
