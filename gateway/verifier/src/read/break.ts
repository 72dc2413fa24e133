/** Codes a crash can explain; every other break needs a hand. */
const TORN_CODES = new Set(['bad-frame', 'no-commit', 'no-header']);

/** Where a log's bytes stop making sense. Thrown and caught within a scan, never beyond it. */
export class Break extends Error {
  readonly code: string;
  readonly offset: number;

  constructor(code: string, message: string, offset: number) {
    super(message);
    this.name = 'Break';
    this.code = code;
    this.offset = offset;
  }

  get isTornWrite(): boolean {
    return TORN_CODES.has(this.code);
  }
}
