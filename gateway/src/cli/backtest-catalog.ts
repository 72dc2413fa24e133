import { catalogVersion, coversTags, type TagNeeds } from '../policy/index.js';
import type { LogRecord } from '../recording/index.js';
import type { Catalog, CatalogObject, ObjectName } from '../sql/index.js';
import { type CatalogFile, nameKey } from './explain-catalog.js';
import { stringIn } from './fields.js';

interface Described {
  readonly object: CatalogObject | 'absent';
  readonly tags: TagNeeds;
}

/** What the gateway knew of objects in one session, as its log says. */
export interface RecordedCatalog {
  /** Takes a record that says what was read of the catalogue; true when it was one that can be read. */
  add(record: LogRecord): void;
  /** For one statement; `role` as it was then. */
  view(role: string | undefined): CatalogView;
}

/** A catalogue that notes what it is asked for. */
export interface CatalogView {
  readonly catalog: Catalog;
  /** Is what was asked for, as it is known here, what the gateway knew when it wrote down this version? */
  isVersion(recorded: string | undefined): boolean;
  /** Are the tags known that a policy needs? */
  hasTags(needed: TagNeeds): boolean;
  /** Names asked for. */
  readonly asked: ReadonlyMap<string, ObjectName>;
}

const TAGS: readonly TagNeeds[] = ['none', 'tags', 'categories'];

export function createRecordedCatalog(): RecordedCatalog {
  const known = new Map<string, Described>();
  const keyOf = (role: string | undefined, name: ObjectName): string => JSON.stringify([role ?? null, nameKey(name)]);
  return {
    add({ leaf: { fields }, bodies }) {
      const tags = TAGS.find((word) => word === fields['tags']);
      const bytes = bodies.get('objects');
      if (tags === undefined || bytes === undefined) return;
      for (const [name, object] of parseObjects(bytes))
        known.set(keyOf(stringIn(fields, 'role'), name), { object, tags });
    },
    view(role) {
      const asked = new Map<string, ObjectName>();
      const lookUp = (name: ObjectName): Described | undefined => known.get(keyOf(role, name));
      return {
        asked,
        catalog: {
          find(name) {
            asked.set(nameKey(name), name);
            return lookUp(name)?.object ?? 'not-loaded';
          },
        },
        isVersion: (recorded) =>
          asked.size === 0
            ? recorded === undefined
            : recorded === catalogVersion(asked.values(), (name) => lookUp(name)?.object),
        hasTags: (needed) => [...asked.values()].every((name) => coversTags(lookUp(name)?.tags ?? 'none', needed)),
      };
    },
  };
}

/** A file in place of the record: it says nothing about objects that do not stand in it. */
export function viewOfFile(file: CatalogFile): CatalogView & { readonly isComplete: () => boolean } {
  const asked = new Map<string, ObjectName>();
  return {
    asked,
    catalog: {
      find(name) {
        asked.set(nameKey(name), name);
        return file.objects.get(nameKey(name)) ?? 'absent';
      },
      isPureFunction: (name) => file.pureFunctions.has(nameKey(name)),
    },
    isVersion: () => true,
    hasTags: () => true,
    isComplete: () => [...asked.keys()].every((key) => file.objects.has(key)),
  };
}

/** The list the gateway wrote; nothing where it is none. */
function parseObjects(bytes: Uint8Array): readonly (readonly [ObjectName, CatalogObject | 'absent'])[] {
  let list: unknown;
  try {
    list = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const [name, object] = Array.isArray(item) ? (item as unknown[]) : [];
    if (!Array.isArray(name) || name.length !== 3 || !name.every((part) => typeof part === 'string')) return [];
    const [database = '', schema = '', last = ''] = name as string[];
    return isObject(object) ? [[{ database, schema, name: last }, object] as const] : [];
  });
}

/** The log is signed, so its shape is trusted; a damaged one does not get this far. */
function isObject(value: unknown): value is CatalogObject | 'absent' {
  if (value === 'absent') return true;
  return typeof value === 'object' && value !== null && 'columns' in value && Array.isArray(value.columns);
}
