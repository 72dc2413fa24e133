import type { LogRecord } from '../../recording/index.js';
import { createPieceJoiner } from '../join-pieces.js';
import { toJsonLine } from '../plain-text.js';
import { createExchanges, type Exchange, recordsOf } from './exchanges.js';
import { type Exporter, type ExporterOptions, OUT_OF_TIME } from './exporter.js';
import { chunkEntry, controlEntry, type HarEntry, statementEntry } from './har-entry.js';

const COMMENT =
  'Made from a recording of Piste, not from the network. Headers, addresses, tokens and the paths of result chunks are not recorded.';

/** An HTTP archive 1.2 of what drivers asked and were answered. */
export function createHarExporter({ tally, isInTime, version }: ExporterOptions): Exporter {
  const exchanges = createExchanges();
  let entries = 0;

  const emit = (entry: HarEntry, timeMs: number, records: number): string => {
    if (!isInTime(timeMs)) {
      tally.leftOut(OUT_OF_TIME, records);
      return '';
    }
    tally.exported(records);
    entries += 1;
    return `${entries === 1 ? '' : ','}\n${toJsonLine(entry)}`;
  };

  const addExchange = (exchange: Exchange): string => {
    const records = recordsOf(exchange);
    const isInternal = records.some(({ leaf }) => leaf.fields['internal'] === true);
    if (isInternal) {
      tally.leftOut('statement of the gateway itself: no exchange with a driver', records.length);
      return '';
    }
    if (exchange.answer === undefined) tally.remark('an exchange without a recorded answer: its status is 0');
    return emit(statementEntry(exchange), records[0]?.leaf.timeMs ?? 0, records.length);
  };

  const addAlone = (record: LogRecord): string => {
    const isChunk = record.leaf.kind === 'chunk' || record.leaf.kind === 'response.withheld';
    const entry = isChunk ? chunkEntry(record) : controlEntry(record);
    if (entry !== undefined) return emit(entry, record.leaf.timeMs, 1);
    tally.leftOut(`${record.leaf.kind}: no exchange with a driver`);
    return '';
  };

  const join = createPieceJoiner();
  const creator = { name: 'Piste', version };
  return {
    keepBody: () => true,
    begin: () =>
      `{"log":{"version":"1.2","creator":${toJsonLine(creator)},"pages":[],"comment":${toJsonLine(COMMENT)},"entries":[`,
    add(stored) {
      const record = join(stored);
      const { taken, whole } = exchanges.add(record);
      if (whole !== undefined) return addExchange(whole);
      return taken ? '' : addAlone(record);
    },
    end: () => `${exchanges.rest().map(addExchange).join('')}\n]}}\n`,
  };
}
