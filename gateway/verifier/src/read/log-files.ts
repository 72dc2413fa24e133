import { parseKeyName, parseSegmentFileName } from '../format/segment-header.js';
import { isUlid } from '../format/ulid.js';
import { openDirectory } from './directory-source.js';
import type { RecordingSource, SourceFile } from './source.js';

/** Where a segment's bytes lie. */
export interface SegmentFiles {
  /** Dense from 1 in a whole log. */
  readonly segment: number;
  /** `.seg` */
  readonly whole: SourceFile | undefined;
  /** `.sfr`: header, entries, commits. */
  readonly records: SourceFile | undefined;
  /** `.sfb`: header, bodies. */
  readonly bodies: SourceFile | undefined;
}

/** The files of one writer's log. */
export interface LogFiles {
  readonly source: RecordingSource;
  /** The writer's ULID: the folder's name. */
  readonly ulid: string;
  /** Ascending; a gap is the verifier's business. */
  readonly segments: readonly SegmentFiles[];
  /** Wrapped session keys by number. */
  readonly keys: ReadonlyMap<number, SourceFile>;
  /** Paths in the folder that no log has. */
  readonly strangers: readonly string[];
}

/** What a recording holds. */
export interface RecordingListing {
  /** Oldest first. */
  readonly logs: readonly LogFiles[];
  /** Files of the registry; paths start with `registry/`. */
  readonly registry: readonly SourceFile[];
  /** Names at the top that are neither: listed, never read. */
  readonly strangers: readonly string[];
}

const REGISTRY = 'registry';

/** Sorts the files of a recording. Rejects when it cannot be listed. */
export async function listRecording(source: RecordingSource): Promise<RecordingListing> {
  const logs = new Map<string, SourceFile[]>();
  const registry: SourceFile[] = [];
  const strangers = new Set<string>();
  for (const file of await source.list()) {
    const slash = file.path.indexOf('/');
    const top = slash < 0 ? file.path : file.path.slice(0, slash);
    if (slash < 0) strangers.add(top);
    else if (top === REGISTRY) registry.push(file);
    else if (isUlid(top)) {
      const files = logs.get(top);
      if (files === undefined) logs.set(top, [file]);
      else files.push(file);
    } else strangers.add(top);
  }
  return {
    logs: [...logs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([ulid, files]) => toLog(source, ulid, files)),
    registry,
    strangers: [...strangers].sort(),
  };
}

function toLog(source: RecordingSource, ulid: string, files: readonly SourceFile[]): LogFiles {
  const segments = new Map<number, { -readonly [member in keyof SegmentFiles]: SegmentFiles[member] }>();
  const keys = new Map<number, SourceFile>();
  const strangers: string[] = [];
  for (const file of files) {
    const name = file.path.slice(ulid.length + 1);
    if (name === '') continue;
    const place = file.special === true ? undefined : parseSegmentFileName(name);
    const key = file.special === true ? undefined : parseKeyName(name);
    if (place !== undefined) {
      const { segment, form } = place;
      const known = segments.get(segment) ?? { segment, whole: undefined, records: undefined, bodies: undefined };
      known[FORM_MEMBERS[form]] = file;
      segments.set(segment, known);
    } else if (key !== undefined) keys.set(key, file);
    else if (name !== 'keys/') strangers.push(name);
  }
  const ordered = [...segments.values()].sort((a, b) => a.segment - b.segment);
  return { source, ulid, segments: ordered, keys, strangers: strangers.sort() };
}

const FORM_MEMBERS = { seg: 'whole', sfr: 'records', sfb: 'bodies' } as const;

/** Lists a recording directory. Rejects like `readdir` when it cannot be read. */
export function listDirectory(directory: string): Promise<RecordingListing> {
  return listRecording(openDirectory(directory));
}
