import type { RecordingSource } from '@piste/verifier';
import type { CliIo } from './io.js';

/** Work shorter than this says nothing before it is done. */
const SILENT_MS = 5000;

/** Somebody waits for long work, and may end it. */
export interface Watch {
  /** The same place; reading it fails once the work shall end. */
  source(place: RecordingSource): RecordingSource;
  /** Says now and then how much is written. Throws once the work shall end. */
  wrote(bytes: number): void;
}

/** Watches work from now on. What ends it is `io.stopped`. */
export function createWatch(io: CliIo): Watch {
  let isStopped = false;
  let toldMs = io.nowMs();
  let read = 0;
  let written = 0;
  void io.stopped().then(() => {
    isStopped = true;
  });

  function check(): void {
    if (isStopped) throw new Error('stopped; nothing of the bundle is left');
    if (io.nowMs() - toldMs < SILENT_MS) return;
    toldMs = io.nowMs();
    io.err(`… ${toMebibytes(read)} MiB read, ${toMebibytes(written)} MiB of the bundle written\n`);
  }

  return {
    source: (place) => ({
      label: place.label,
      list: () => place.list(),
      async read(path, from, length) {
        check();
        const bytes = await place.read(path, from, length);
        read += bytes.byteLength;
        return bytes;
      },
      close: () => place.close(),
    }),
    wrote(bytes) {
      written = bytes;
      check();
    },
  };
}

function toMebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
