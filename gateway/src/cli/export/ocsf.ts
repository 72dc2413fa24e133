import type { LogRecord } from '../../recording/index.js';
import { toJsonLine } from '../plain-text.js';
import { createExchanges, type Exchange, recordsOf } from './exchanges.js';
import { type Exporter, type ExporterOptions, OUT_OF_TIME } from './exporter.js';
import { authenticationEvent, chunkEvent, refusalEvent, statementEvent } from './ocsf-event.js';
import type { Json } from './ocsf-parts.js';
import { createOpenings, type Opening } from './openings.js';

const NEEDED_BODIES: ReadonlySet<string> = new Set(['sql', 'submitted']);
const NO_OPENING = 'an event of a session whose opening is not recorded before it: it says less of who and where';

type ToEvent = (record: LogRecord, opening: Opening | undefined, source: ExporterOptions) => Json;

/** Kinds of records that are events by themselves. */
const EVENTS: ReadonlyMap<string, ToEvent> = new Map<string, ToEvent>([
  ['session.open', authenticationEvent],
  ['session.close', authenticationEvent],
  ['session.refused', authenticationEvent],
  ['chunk', chunkEvent],
  ['response.withheld', chunkEvent],
  ['request.refused', refusalEvent],
]);

/** One OCSF event a line: one for a statement with all its records, one for each chunk, log-in, log-out and refusal. */
export function createOcsfExporter(options: ExporterOptions): Exporter {
  const { tally, isInTime } = options;
  const openings = createOpenings();
  const exchanges = createExchanges();

  const openingOf = (sessionId: string | undefined): Opening | undefined => {
    const opening = openings.of(sessionId);
    if (opening === undefined && sessionId !== undefined) tally.remark(NO_OPENING);
    return opening;
  };

  /** One event that stands on `records` records. */
  const emit = (timeMs: number, records: number, event: () => Json | undefined): string => {
    const made = isInTime(timeMs) ? event() : undefined;
    if (made === undefined) {
      tally.leftOut(OUT_OF_TIME, records);
      return '';
    }
    tally.exported(records);
    return `${toJsonLine(made)}\n`;
  };

  const emitExchange = (exchange: Exchange): string => {
    const records = recordsOf(exchange);
    const timeMs = records[0]?.leaf.timeMs ?? 0;
    return emit(timeMs, records.length, () => statementEvent(exchange, openingOf(exchange.sessionId), options));
  };

  const addAlone = (record: LogRecord): string => {
    const { kind, timeMs, strand } = record.leaf;
    const event = EVENTS.get(kind);
    if (event !== undefined) return emit(timeMs, 1, () => event(record, openingOf(strand?.sessionId), options));
    tally.leftOut(`${kind}: no event of this export`);
    return '';
  };

  return {
    keepBody: (name) => NEEDED_BODIES.has(name),
    begin: () => '',
    add(record) {
      openings.add(record);
      const { taken, whole } = exchanges.add(record);
      if (whole !== undefined) return emitExchange(whole);
      return taken ? '' : addAlone(record);
    },
    end: () => exchanges.rest().map(emitExchange).join(''),
  };
}
