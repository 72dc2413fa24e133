import type { TagNeeds } from '../../policy/index.js';
import type { Entry } from '../../recording/index.js';
import type { Session } from '../../session/index.js';
import type { ObjectName } from '../../sql/index.js';
import { controlEntry, textBody } from '../entries.js';
import type { Description } from './describe-objects.js';

/** What a session's role was found to see of objects: what statements are read against from then on. */
export function catalogueEntry(
  session: Session,
  needs: TagNeeds,
  described: readonly (readonly [ObjectName, Description])[],
): Entry {
  const objects = described.map(([{ database, schema, name }, { object }]) => [[database, schema, name], object]);
  const fields = { objects: described.length, role: session.context.role ?? null, tags: needs };
  const entry = controlEntry('catalogue', 'read', session.id, fields);
  return { ...entry, bodies: [textBody('objects', JSON.stringify(objects))] };
}
