import { type Entry, type Recording, RecordRefused } from '../recording/index.js';

/**
 * A recording that refuses while `refusal` gives a reason, so that nothing runs that the registry would hear of too late. What
 * the log itself writes at its end is not refused, nor are answers that refuse something; in mode `observe` only what is
 * strict by itself waits.
 */
export function guardRecording(recording: Recording, refusal: () => string | undefined): Recording {
  const check = ({ kind }: Entry): void => {
    const why = refusal();
    if (why !== undefined) throw new RecordRefused(kind, why);
  };
  const checkFor = (connection: string | undefined, entry: Entry, isStrict = false): void => {
    if (isStrict || recording.modeOf(connection) !== 'observe') check(entry);
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
      checkFor(permit.connection, entry, permit.isStrict);
      return recording.recordRequest(permit, entry);
    },
    async recordAnswer(...[entry, bytes, scope]: Parameters<Recording['recordAnswer']>) {
      if (givesSomething(entry)) checkFor(scope?.connection, entry, scope?.isStrict);
      return recording.recordAnswer(entry, bytes, scope);
    },
    async note(...[entry, connection, isStrict]: Parameters<Recording['note']>) {
      checkFor(connection, entry, isStrict);
      return recording.note(entry, connection, isStrict);
    },
    refusesNew: (connection: string) =>
      (recording.modeOf(connection) === 'observe' ? undefined : refusal()) ?? recording.refusesNew(connection),
  });
}

/** Rows, or a session. */
function givesSomething({ kind, fields }: Entry): boolean {
  return kind === 'chunk' || kind === 'session.open' || (kind === 'response' && fields['code'] === null);
}
