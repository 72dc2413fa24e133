import type { LogRecord } from '../../recording/index.js';
import { toJsonLine } from '../plain-text.js';
import { type BodyForm, toJsonBodies } from '../record-json.js';
import { type Exporter, type ExporterOptions, OUT_OF_TIME } from './exporter.js';

/** One line for every record: its place and hash, its leaf as it is, and its bodies as asked for. */
export function createJsonlExporter({ tally, isInTime, bodies }: ExporterOptions): Exporter {
  return {
    keepBody: () => bodies !== 'none',
    begin: () => '',
    add(record) {
      if (!isInTime(record.leaf.timeMs)) {
        tally.leftOut(OUT_OF_TIME);
        return '';
      }
      tally.exported();
      return `${toJsonLine(toLineOf(record, bodies))}\n`;
    },
    end: () => '',
  };
}

/** `leaf` is the canonical JSON that was hashed; the members before it say the most wanted of it in words. */
function toLineOf(record: LogRecord, form: BodyForm): Readonly<Record<string, unknown>> {
  const { log, index, leafHash, leafBytes, leaf } = record;
  const words = { time: new Date(leaf.timeMs).toISOString(), kind: leaf.kind, session: leaf.strand?.sessionId ?? null };
  const exact = { log, index, leafHash, ...words, leaf: JSON.parse(leafBytes.toString('utf8')) as unknown };
  return form === 'none' ? exact : { ...exact, bodies: toJsonBodies(record, form) };
}
