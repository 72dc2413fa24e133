import { type Recording, RecordingUnavailable } from '../recording/index.js';

/**
 * A recording that refuses while `refusal` gives a reason, so that nothing runs that the registry would hear of too late. What
 * the log itself writes at its end is not refused.
 */
export function guardRecording(recording: Recording, refusal: () => string | undefined): Recording {
  const check = (): void => {
    const why = refusal();
    if (why !== undefined) throw new RecordingUnavailable(why);
  };
  return Object.freeze({
    ...recording,
    get failed() {
      return recording.failed;
    },
    async append(...args: Parameters<Recording['append']>) {
      check();
      return recording.append(...args);
    },
    async recordRequest(...args: Parameters<Recording['recordRequest']>) {
      check();
      return recording.recordRequest(...args);
    },
  });
}
