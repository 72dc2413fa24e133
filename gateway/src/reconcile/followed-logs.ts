import {
  createScanState,
  type LogDamage,
  type LogFiles,
  listRecording,
  type RecordingSource,
  readOneLog,
  type ScanState,
  type SegmentFiles,
  type SourceFile,
} from '@piste/verifier';
import type { ReadRecords } from './reconcile.js';
import { createRecordIndex } from './record-index.js';

/** The records of a recording, as far as it was read. */
export interface FollowedLogs {
  /**
   * Reads what follows what was read before, and everything again where that is not what it was. `reach` says what `source` lacks:
   * nothing, logs that were left out, or any part. Returns the logs (ULID) that were read and are not in it. Rejects when a file cannot be
   * read; the next call goes on from there.
   */
  read(source: RecordingSource, reach: 'all' | 'part' | ReadonlySet<string>): Promise<ReadonlySet<string>>;
  /** Everything will be read again, as by a gateway that starts. */
  restart(): void;
  records(): ReadRecords;
}

interface FollowedLog {
  readonly state: ScanState;
  /** Files of its segments when they were read, by path. */
  files: ReadonlyMap<string, SourceFile>;
  damage: LogDamage | undefined;
}

/** What a log held when it was read before. */
interface Known {
  readonly size: number;
  readonly root: Buffer;
}

export function createFollowedLogs(): FollowedLogs {
  let index = createRecordIndex();
  let logs = new Map<string, FollowedLog>();
  /** What must be found again. */
  const known = new Map<string, Known>();
  let changed: readonly string[] = [];

  function restart(): void {
    for (const [ulid, { state }] of logs) {
      if (state.root !== undefined && state.size > (known.get(ulid)?.size ?? 0))
        known.set(ulid, { size: state.size, root: state.root });
    }
    index = createRecordIndex();
    logs = new Map();
  }

  /** Nothing can follow. */
  function isEnded({ closed, origin }: ScanState): boolean {
    return closed || (origin !== undefined && index.writer(origin)?.ended === true);
  }

  /** Of what was read before something is gone, or its files are not those that were read. */
  function isChanged({ state, files: before }: FollowedLog, files: LogFiles | undefined, isLeftOut: boolean): boolean {
    if (files === undefined) return !isLeftOut;
    if (state.broken) return true;
    const last = state.place?.segment ?? 0;
    const listed = files.segments.filter(({ segment }) => segment <= last);
    const whole = isEnded(state) ? listed : listed.filter(({ segment }) => segment < last);
    return (
      listed.length < last ||
      whole.flatMap(filesOfSegment).some((file) => before.has(file.path) && !isSame(before.get(file.path), file))
    );
  }

  async function readAll(listed: ReadonlyMap<string, LogFiles>): Promise<void> {
    for (const files of listed.values()) await readOn(files);
  }

  async function readOn(files: LogFiles): Promise<void> {
    const log = logs.get(files.ulid) ?? { state: createScanState(), files: new Map(), damage: undefined };
    logs.set(files.ulid, log);
    const { state } = log;
    if (state.broken) return;
    if (isEnded(state) && filesOf(files).every((file) => isSame(log.files.get(file.path), file))) return;
    const { size = 0 } = known.get(files.ulid) ?? {};
    const options = { keepBody: (name: string) => name === 'sql', rootsAt: new Set([size]) };
    const records = readOneLog(files, options, state);
    for (;;) {
      const step = await records.next();
      if (step.done !== true) index.add(step.value);
      else {
        const { problem } = step.value;
        log.damage = problem && { log: files.ulid, size: state.size, problem };
        break;
      }
    }
    log.files = new Map(filesOf(files).map((file) => [file.path, file]));
  }

  /** Compares what was read anew with what was read before; each difference is told once. */
  function checkKnown(leftOut: ReadonlySet<string>): readonly string[] {
    const messages: string[] = [];
    for (const [ulid, { size, root }] of known) {
      const state = logs.get(ulid)?.state;
      if (state === undefined && leftOut.has(ulid)) continue;
      const held = state?.size ?? 0;
      if (held < size)
        messages.push(
          `log ${ulid} held ${size} records when it was read before, and ${held} can be read now: records were removed or changed; run: piste audit verify`,
        );
      else if (state?.roots.get(size)?.equals(root) !== true)
        messages.push(
          `the first ${size} records of log ${ulid} are not those that were read before; run: piste audit verify`,
        );
    }
    known.clear();
    return messages;
  }

  return {
    async read(source, reach) {
      changed = [];
      const listed = new Map((await listRecording(source)).logs.map((files) => [files.ulid, files]));
      const leftOut = typeof reach === 'string' ? NO_LOGS : reach;
      const isWhole = reach !== 'part';
      if (isWhole && [...logs].some(([ulid, log]) => isChanged(log, listed.get(ulid), leftOut.has(ulid)))) restart();
      await readAll(listed);
      if (isWhole && [...logs.values()].some(({ damage }) => damage?.problem.code === CHANGED)) {
        restart();
        await readAll(listed);
      }
      if (isWhole) changed = checkKnown(leftOut);
      return new Set([...logs.keys()].filter((ulid) => !listed.has(ulid)));
    },
    restart,
    records: () => ({
      index,
      damages: [...logs.values()].flatMap(({ damage }) => damage ?? []),
      changed,
    }),
  };
}

const NO_LOGS: ReadonlySet<string> = new Set();
/** What a scan says that cannot find the place it goes on from. */
const CHANGED = 'changed';

const filesOf = ({ segments }: LogFiles): readonly SourceFile[] => segments.flatMap(filesOfSegment);
const filesOfSegment = ({ whole, records }: SegmentFiles): readonly SourceFile[] =>
  [whole ?? records].filter((file) => file !== undefined);
const isSame = (before: SourceFile | undefined, { size, modifiedMs }: SourceFile): boolean =>
  before?.size === size && before.modifiedMs === modifiedMs;
