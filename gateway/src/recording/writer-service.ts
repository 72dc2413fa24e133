import { type AgeRecipient, createNoteSigner, parseRecipient } from '@piste/verifier';
import { errorMessage } from '../errors.js';
import { createBodyKeys } from './body-keys.js';
import type { FileOps } from './file-ops.js';
import { recordsOf } from './record-columns.js';
import { createSegmentWriter } from './segment-writer.js';
import { createLogWriter } from './writer.js';
import { type FromWriter, type ToWriter, toColumns, type WriterSettings } from './writer-messages.js';

/** A writer that is told what to do by messages. */
export interface WriterService {
  take(message: ToWriter): void;
  /** Commits one group, says so, and returns true while more waits. */
  commitSome(): boolean;
  /** Nothing waits: a moment for work ahead. */
  rest(): void;
  readonly closed: boolean;
}

export interface WriterServiceDeps {
  readonly settings: WriterSettings;
  readonly files: FileOps;
  /** The buffers change hands with the message. */
  readonly say: (message: FromWriter, transferred?: readonly ArrayBuffer[]) => void;
}

/** Makes the log's directory and its key, and says so. Throws when the directory cannot be made. */
export function createWriterService({ settings, files, say }: WriterServiceDeps): WriterService {
  const { directory, origin, segmentBytes, recipients } = settings;
  const signer = createNoteSigner(origin);
  const segments = createSegmentWriter({ directory, origin, files, segmentBytes });
  const keys =
    recipients.length === 0
      ? undefined
      : createBodyKeys({ origin, directory, files, recipients: recipients.map(toRecipient) });
  const writer = createLogWriter({ signer, segments, keys, monotonicNs: () => process.hrtime.bigint() });
  /** Memory of bodies, each with the size of the log once they are written. */
  let held: { readonly slabs: readonly ArrayBuffer[]; readonly size: number }[] = [];
  let hasFailed = false;
  let closing = false;
  let closed = false;

  /** After a failed write or sync nobody knows what the disk holds, so nothing is ever written again. */
  function guard(work: () => void): void {
    if (hasFailed) return;
    try {
      work();
    } catch (error) {
      hasFailed = true;
      say({ type: 'failed', why: errorMessage(error) });
    }
  }

  function commit(): void {
    const { acknowledgements, group } = writer.commit();
    const slabs = held.filter(({ size }) => size <= writer.size).flatMap((one) => one.slabs);
    held = held.filter(({ size }) => size > writer.size);
    say({ type: 'committed', acknowledged: toColumns(acknowledgements), group, slabs }, slabs);
  }

  function close(): void {
    let complaint: string | undefined;
    try {
      if (hasFailed) writer.abandon();
      else writer.close();
    } catch (error) {
      complaint = errorMessage(error);
    }
    closed = true;
    say({ type: 'closed', checkpoint: writer.checkpoint(), segment: writer.finishedSegment, complaint });
  }

  say({ type: 'opened', vkey: signer.vkey });
  return {
    take(message) {
      switch (message.type) {
        case 'append':
          if (hasFailed) return;
          for (const record of recordsOf(message.records)) {
            try {
              writer.add(record);
            } catch (error) {
              say({ type: 'refused', id: record.id, why: errorMessage(error) });
            }
          }
          held.push({ slabs: message.records.slabs, size: writer.size + writer.pending });
          return;
        case 'checkpoint':
          say({ type: 'checkpoint', checkpoint: writer.checkpoint() });
          return;
        case 'finish-segment':
          guard(() => void writer.finishSegment());
          say({ type: 'segment-finished', segment: writer.finishedSegment });
          return;
        case 'close':
          closing = true;
          return;
      }
    },
    commitSome() {
      if (writer.pending > 0) guard(commit);
      const isMore = writer.pending > 0 && !hasFailed;
      if (!isMore && closing && !closed) close();
      return isMore;
    },
    rest() {
      if (!closed) guard(() => writer.prepare());
    },
    get closed() {
      return closed;
    },
  };
}

function toRecipient(text: string): AgeRecipient {
  const recipient = parseRecipient(text);
  if (recipient === undefined) throw new TypeError('a recipient of the recording is no age recipient');
  return recipient;
}
