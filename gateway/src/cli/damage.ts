import type { LogDamage } from '../recording/index.js';
import type { CliIo } from './io.js';

/** One line per log that stops making sense; the records behind that place are not shown. */
export function renderDamages(damages: readonly LogDamage[]): readonly string[] {
  return damages.map(({ log, size, problem }) =>
    problem.severity === 'torn'
      ? `note: log ${log} ends in an interrupted write after ${size} records`
      : `WARNING: log ${log} is damaged after ${size} records (${problem.message}); what follows is not shown. Run: piste audit verify`,
  );
}

/** The same on standard error. */
export function writeDamages(damages: readonly LogDamage[], io: CliIo): void {
  for (const line of renderDamages(damages)) io.err(`${line}\n`);
}

/** True where a log is damaged by more than an interrupted write. */
export function isDamaged(damages: readonly LogDamage[]): boolean {
  return damages.some(({ problem }) => problem.severity === 'tampered');
}
