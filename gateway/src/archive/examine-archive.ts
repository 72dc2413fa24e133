import { erasuresIn, numberIn, readRegistry, textIn } from '@piste/verifier';
import type { ObjectFinding, ObjectSource } from './object-source.js';
import { parseSegmentFields } from './ship-segment.js';

/** What only the store can tell of an archive, measured by the registry that lies in it. Rejects when it cannot be read. */
export async function examineArchive(source: ObjectSource, nowMs: number): Promise<readonly ObjectFinding[]> {
  const { registry } = await readRegistry(source);
  const erasures = registry === undefined ? undefined : erasuresIn(registry);
  const segments = registry?.entries
    .filter(({ kind }) => kind === 'segment')
    .flatMap(({ fields }) => {
      const parsed = parseSegmentFields(fields);
      const isPruned = erasures?.bodies(textIn(fields, 'origin') ?? '', numberIn(fields, 'seg') ?? 0) !== undefined;
      return parsed === undefined ? [] : [{ ...parsed, isPruned }];
    });
  return source.objectFindings(segments, nowMs);
}
