import { errorMessage } from '../errors.js';
import type { Log } from '../telemetry/log.js';
import type { Recording } from './recording.js';
import { updateTrustFile } from './trust.js';

const CHECKPOINT_EVERY_MS = 1_000;

/**
 * Keeps the newest checkpoint in a file outside the log, so that a cut tail can be told from the end. The returned function
 * writes the last one.
 */
export async function publishCheckpoints(
  recording: Recording,
  file: string,
  timers: { every(milliseconds: number, run: () => void): () => void },
  log: Log,
): Promise<() => Promise<void>> {
  let publishedSize = 0;
  let publishing = Promise.resolve();
  const publish = (): Promise<void> => {
    publishing = publishing.then(async () => {
      try {
        const checkpoint = await recording.checkpoint();
        if (checkpoint.size === publishedSize) return;
        await updateTrustFile(file, checkpoint);
        publishedSize = checkpoint.size;
      } catch (error) {
        log.warn('the checkpoint could not be published', { error: errorMessage(error) });
      }
    });
    return publishing;
  };
  // The log's key is known outside it before it holds anything of a caller.
  await publish();
  const stop = timers.every(CHECKPOINT_EVERY_MS, () => void publish());
  return () => {
    stop();
    return publish();
  };
}
