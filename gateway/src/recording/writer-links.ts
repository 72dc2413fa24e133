import { Worker } from 'node:worker_threads';
import type { FileOps } from './file-ops.js';
import type { FromWriter, ToWriter, WriterLink, WriterListener, WriterSettings } from './writer-messages.js';
import { createWriterService } from './writer-service.js';

/** Starts a thread that writes a log. Whatever ends it, beside `close`, is told as lost. */
export function startWriterThread(settings: WriterSettings, listener: WriterListener): WriterLink {
  const thread = new Worker(new URL('./writer-thread.js', import.meta.url), {
    workerData: settings,
    name: 'piste-recording',
  });
  thread.on('message', (message: FromWriter) => listener.heard(message));
  thread.on('messageerror', (error: Error) => listener.lost(error));
  thread.on('error', (error: Error) => listener.lost(error));
  thread.on('exit', () => listener.lost(new Error('the writing thread ended')));
  return {
    post: (message, transferred = []) => thread.postMessage(message, transferred),
    hold(isHeld) {
      if (isHeld) thread.ref();
      else thread.unref();
    },
  };
}

/** The same writer on this thread, with file operations of a test's choice. */
export function startWriterHere(settings: WriterSettings, files: FileOps, listener: WriterListener): WriterLink {
  const said: FromWriter[] = [];
  const service = createWriterService({ settings, files, say: (message) => void said.push(message) });
  const tell = (): void => {
    for (const message of said.splice(0)) listener.heard(message);
  };
  let isWorking = false;

  function work(): void {
    isWorking = false;
    let isMore = true;
    while (isMore) {
      isMore = service.commitSome();
      tell();
    }
    service.rest();
    tell();
  }

  queueMicrotask(tell);
  return {
    post(message: ToWriter) {
      service.take(message);
      if (!isWorking) queueMicrotask(work);
      isWorking = true;
    },
    hold: () => undefined,
  };
}
