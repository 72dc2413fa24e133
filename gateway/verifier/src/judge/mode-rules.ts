import type { Leaf } from '../format/leaf.js';
import type { Finding } from './finding.js';

/** What a log says about how much it holds. */
export interface LogMode {
  /** As of the last record; undefined when the log never says. */
  readonly mode: string | undefined;
  /** True unless records may be missing: something was said to be left out, or recording was not waited for. */
  readonly complete: boolean;
  readonly findings: readonly Finding[];
}

export interface ModeRules {
  add(leaf: Leaf, index: number): void;
  result(log: string): LogMode;
}

/** Nothing waits for these, so what they lose is lost. */
export const OBSERVING = 'observe';

/** Follows one log's `writer.open`, `mode.change` and `gap`. */
export function createModeRules(): ModeRules {
  let mode: string | undefined;
  let changes = 0;
  let wasObserving = false;
  let gaps = 0;
  let lost = 0;
  let firstGap: number | undefined;
  return {
    add({ kind, fields }, index) {
      if (kind === 'writer.open' || kind === 'mode.change') {
        if (kind === 'mode.change') changes += 1;
        if (typeof fields['mode'] === 'string') ({ mode } = fields);
        wasObserving ||= mode === OBSERVING;
      } else if (kind === 'gap') {
        gaps += 1;
        firstGap ??= index;
        const { count } = fields;
        lost += typeof count === 'number' && count > 0 ? count : 1;
      }
    },
    result(log) {
      const findings: Finding[] = [];
      if (gaps > 0 && firstGap !== undefined) {
        const message = `the log says itself that ${lost} records were not kept, in ${gaps} places`;
        findings.push({ severity: 'note', code: 'gap', message, log, index: firstGap });
      }
      if (changes > 0)
        findings.push({
          severity: 'note',
          code: 'mode-change',
          message: `the mode of recording changed ${changes} times`,
          log,
        });
      if (wasObserving) {
        const message = 'recording was not waited for while the mode was observe: the log may not be complete';
        findings.push({ severity: 'note', code: 'observe-mode', message, log });
      }
      return { mode, complete: !wasObserving && gaps === 0, findings };
    },
  };
}
