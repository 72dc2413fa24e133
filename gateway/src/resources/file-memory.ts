import { type ParsedResources, parseResources, type Resource } from '@piste/crds';
import { fromParser, type ResourceComplaint } from './complaint.js';
import type { FileText } from './folder.js';

/** A resource and the file it stands in. */
export interface PlacedResource {
  readonly file: string;
  readonly resource: Resource;
}

/** Something in a file that was never understood: it may have been meant to protect any connection. */
export interface Unreadable {
  readonly file: string;
  /** `MaskingPolicy emails` where that much is known, else the file's name. */
  readonly what: string;
}

/** What the folder says, after bad files were replaced by what they last said well. */
export interface FolderContent {
  readonly resources: readonly PlacedResource[];
  readonly unreadable: readonly Unreadable[];
  readonly complaints: readonly ResourceComplaint[];
}

interface Remembered {
  readonly text: string | undefined;
  readonly complaints: readonly ResourceComplaint[];
  readonly unreadable: readonly Unreadable[];
  /** What is in force from this file. */
  readonly resources: readonly Resource[];
  /** True once the whole file was understood. */
  readonly wasGood: boolean;
}

/** Files as they were last understood; a bad text never displaces a good one. */
export interface FileMemory {
  /** Takes a reading of the folder. A file that is gone is forgotten: that is a deliberate delete. */
  update(files: ReadonlyMap<string, FileText>): FolderContent;
}

export function createFileMemory(): FileMemory {
  const remembered = new Map<string, Remembered>();
  return {
    update(files) {
      for (const name of remembered.keys()) if (!files.has(name)) remembered.delete(name);
      for (const [name, file] of files) {
        const before = remembered.get(name);
        if (!file.ok) remembered.set(name, keep(before, name, undefined, [unreadableFile(name, file.why)]));
        else if (before === undefined || before.text !== file.text) remembered.set(name, read(before, name, file.text));
      }
      return contentOf(remembered, files.keys());
    },
  };
}

function contentOf(remembered: ReadonlyMap<string, Remembered>, names: Iterable<string>): FolderContent {
  const files = [...names].flatMap((name) => {
    const file = remembered.get(name);
    return file === undefined ? [] : [{ name, file }];
  });
  return {
    resources: files.flatMap(({ name, file }) => file.resources.map((resource) => ({ file: name, resource }))),
    unreadable: files.flatMap(({ file }) => file.unreadable),
    complaints: files.flatMap(({ file }) => file.complaints),
  };
}

function read(before: Remembered | undefined, name: string, text: string): Remembered {
  const parsed = parseResources(text, name);
  if (parsed.complaints.length === 0) {
    if (parsed.resources.length === 0 && before?.wasGood === true && before.resources.length > 0) {
      return keep(before, name, text, [emptiedFile(name)]);
    }
    return { text, complaints: [], unreadable: [], resources: parsed.resources, wasGood: true };
  }
  const complaints = parsed.complaints.map(fromParser);
  if (before?.wasGood === true) return keep(before, name, text, complaints);
  return { text, complaints, unreadable: unreadableIn(parsed, name), resources: parsed.resources, wasGood: false };
}

/** Puts a bad text aside. What the file last said well stays in force; a file that never was good is unreadable whole. */
function keep(
  before: Remembered | undefined,
  name: string,
  text: string | undefined,
  complaints: readonly ResourceComplaint[],
): Remembered {
  if (before?.wasGood !== true) {
    return {
      text,
      complaints,
      unreadable: [{ file: name, what: name }],
      resources: before?.resources ?? [],
      wasGood: false,
    };
  }
  const told = complaints.map((complaint) => ({
    ...complaint,
    fix: `${complaint.fix} (its last good version stays in force)`,
  }));
  return { ...before, text, complaints: told };
}

/** A connection that was not understood protects nothing: it is simply not served. Everything else might protect. */
function unreadableIn(parsed: ParsedResources, file: string): readonly Unreadable[] {
  const names = parsed.complaints
    .filter((complaint) => complaint.kind !== 'SnowflakeConnection')
    .map((complaint) =>
      complaint.kind !== undefined && complaint.name !== undefined ? `${complaint.kind} ${complaint.name}` : file,
    );
  return [...new Set(names)].map((what) => ({ file, what }));
}

/** A file that is being written is empty for a moment. Only its removal says that its resources are to go. */
function emptiedFile(file: string): ResourceComplaint {
  return {
    file,
    line: undefined,
    resource: undefined,
    field: '',
    message: 'it holds no resource any more',
    fix: 'remove the file if its resources are to go',
  };
}

function unreadableFile(file: string, why: string): ResourceComplaint {
  return {
    file,
    line: undefined,
    resource: undefined,
    field: '',
    message: why,
    fix: 'make it a readable file in UTF-8',
  };
}
