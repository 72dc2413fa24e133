import { plural, toLine } from '../plain-text.js';

/** What became of the records an export read. */
export interface Tally {
  exported(records?: number): void;
  leftOut(why: string, records?: number): void;
  /** Something a reader of the export should know; counted, not a record. */
  remark(what: string): void;
  /** Lines for people. */
  render(): readonly string[];
}

export function createTally(): Tally {
  const left = new Map<string, number>();
  const remarks = new Map<string, number>();
  let exported = 0;
  return {
    exported(records = 1) {
      exported += records;
    },
    leftOut(why, records = 1) {
      if (records > 0) left.set(why, (left.get(why) ?? 0) + records);
    },
    remark(what) {
      remarks.set(what, (remarks.get(what) ?? 0) + 1);
    },
    render() {
      const out = [...left.values()].reduce((sum, count) => sum + count, 0);
      const reasons = [...left].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
      return [
        `${exported} of ${plural(exported + out, 'record')} exported`,
        ...reasons.map(([why, count]) => `left out: ${count} × ${toLine(why)}`),
        ...[...remarks].map(([what, count]) => `note: ${count} × ${toLine(what)}`),
      ];
    },
  };
}
