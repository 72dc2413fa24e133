import { toJsonLine } from '../plain-text.js';
import { toJsonRecord } from '../record-json.js';
import { type Exporter, type ExporterOptions, OUT_OF_TIME } from './exporter.js';

/** One line for every record: its whole leaf, its place and hash, and its bodies as asked for. */
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
      return `${toJsonLine(toJsonRecord(record, bodies))}\n`;
    },
    end: () => '',
  };
}
