import { errorMessage } from '../errors.js';
import type { Recording } from '../recording/index.js';
import { RecordingUnavailable } from '../recording/index.js';
import type { Log } from '../telemetry/index.js';
import type { Endpoint, Snowflake, TokenBox } from '../upstream/index.js';
import { controlEntry } from './entries.js';

export interface KeepAliveDeps {
  readonly recording: Pick<Recording, 'note'>;
  readonly snowflake: Pick<Snowflake, 'heartbeat'>;
  readonly log: Log;
}

export interface Kept {
  readonly sessionId: string;
  /** The statement that waits for people. */
  readonly queryId: string;
  readonly endpoint: Endpoint;
  readonly box: TokenBox;
}

/** Keeps the session with Snowflake of a held statement up. What cannot be recorded now is not sent, and tried again later. */
export async function keepAlive(deps: KeepAliveDeps, { sessionId, queryId, endpoint, box }: Kept): Promise<void> {
  try {
    const entry = controlEntry('heartbeat', 'held', sessionId, { qid: queryId });
    await deps.recording.note(entry, endpoint.connection);
  } catch (error) {
    if (!(error instanceof RecordingUnavailable)) throw error;
    deps.log.warn('a session with Snowflake was not kept up', { queryId, error: errorMessage(error) });
    return;
  }
  await deps.snowflake.heartbeat(endpoint, box);
}
