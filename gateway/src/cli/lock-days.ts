import type { Retention } from '../archive/index.js';
import { UsageError } from './io.js';

/** How the gateway of this environment locks what it archives. Throws `UsageError` for settings it would not start with. */
export function readLockDays(environment: Readonly<Record<string, string | undefined>>): Retention {
  const mode = environment['PISTE_ARCHIVE_LOCK'] || 'governance';
  if (mode !== 'governance' && mode !== 'compliance')
    throw new UsageError('PISTE_ARCHIVE_LOCK must be one of governance, compliance');
  const days = (name: string, fallback: number): number => {
    const value = Number(environment[name] || fallback);
    if (!Number.isInteger(value) || value < 1 || value > 36_500)
      throw new UsageError(`${name} must be a whole number from 1 to 36500`);
    return value;
  };
  return {
    mode: mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
    entriesDays: days('PISTE_ARCHIVE_ENTRIES_DAYS', 2557),
    bodiesDays: days('PISTE_ARCHIVE_BODIES_DAYS', 90),
  };
}
