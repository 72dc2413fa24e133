import type { LogRecord } from '../../recording/index.js';
import type { BodyForm } from '../record-json.js';
import type { Tally } from './tally.js';

/** Turns records, in the order of time, into the text of one format. */
export interface Exporter {
  /** Bodies it needs, by name. */
  readonly keepBody: (name: string) => boolean;
  begin(): string;
  add(record: LogRecord): string;
  /** What is still open, and the end. */
  end(): string;
}

export interface ExporterOptions {
  readonly tally: Tally;
  /** Times an export covers; what counts is when something began. */
  readonly isInTime: (timeMs: number) => boolean;
  readonly bodies: BodyForm;
  readonly ocsfVersion: string;
  /** Of Piste. */
  readonly version: string;
}

/** Why a record does not stand in an export that was limited in time. */
export const OUT_OF_TIME = 'outside the time asked for';
