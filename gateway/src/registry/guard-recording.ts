import { type Entry, type Recording, RecordRefused } from '../recording/index.js';

/**
 * A recording that refuses while `refusal` gives a reason, so that nothing runs that the registry would hear of too late. What
 * the log itself writes at its end is not refused.
 */
export function guardRecording(recording: Recording, refusal: () => string | undefined): Recording {
  const check = ({ kind }: Entry): void => {
    const why = refusal();
    if (why !== undefined) throw new RecordRefused(kind, why);
  };
  return Object.freeze({
    ...recording,
    get failed() {
      return recording.failed;
    },
    async append(entry: Entry) {
      check(entry);
      return recording.append(entry);
    },
    async recordRequest(...[permit, entry]: Parameters<Recording['recordRequest']>) {
      check(entry);
      return recording.recordRequest(permit, entry);
    },
    refusesNew: () => refusal() ?? recording.refusesNew(),
  });
}
