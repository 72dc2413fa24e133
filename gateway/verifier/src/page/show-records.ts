/// <reference lib="dom" />

import { toUtc } from '../judge/wording.js';
import type { LogRecord } from '../read/read-log.js';
import { decodeText } from '../read/record-line.js';
import { element } from './dom.js';

/** Longer texts are cut; the whole is in the bundle. */
const MAX_TEXT_CHARACTERS = 20_000;
const RECORDS_AT_ONCE = 200;
const OUTSIDE = 'Records of no session';

/** The records by session, each as text, under headings that open. */
export function showRecords(records: readonly LogRecord[]): readonly Node[] {
  const sessions = Map.groupBy(records, ({ leaf }) => leaf.strand?.sessionId ?? '');
  return [...sessions].map(([sessionId, list]) => {
    const summary = element(
      'summary',
      `${sessionId === '' ? OUTSIDE : `Session ${sessionId}`}: ${list.length} records`,
    );
    const details = element('details', [summary]);
    details.addEventListener('toggle', () => {
      if (details.childElementCount === 1) addRecords(details, list, 0);
    });
    return details;
  });
}

/** A long session is not laid out at once. */
function addRecords(place: HTMLElement, list: readonly LogRecord[], from: number): void {
  const part = list.slice(from, from + RECORDS_AT_ONCE);
  place.append(...part.map(showRecord));
  const next = from + part.length;
  if (next >= list.length) return;
  const more = element('button', `Show more: ${list.length - next} records are left`, { type: 'button' });
  more.addEventListener('click', () => {
    more.remove();
    addRecords(place, list, next);
  });
  place.append(more);
}

function showRecord({ log, index, leafHash, leaf, bodies, unread }: LogRecord): Node {
  const texts = [...bodies].map(([name, bytes]) => showText(name, bytes));
  const closed = [...unread].map(([name, reason]) => element('p', `${name}: not readable here (${reason})`));
  return element('article', [
    element('h3', `${leaf.kind} · ${toUtc(leaf.timeMs)}`),
    element('p', `log ${log}, record ${index}, hash ${leafHash}`, { class: 'place' }),
    ...(Object.keys(leaf.fields).length === 0 ? [] : [pre('fields', JSON.stringify(leaf.fields, undefined, 1))]),
    ...texts,
    ...closed,
  ]);
}

function showText(name: string, bytes: Buffer): Node {
  const text = decodeText(bytes);
  return text === undefined ? element('p', `${name}: ${bytes.byteLength} bytes that are no text`) : pre(name, text);
}

function pre(name: string, text: string): Node {
  const isLong = text.length > MAX_TEXT_CHARACTERS;
  const shown = isLong ? `${text.slice(0, MAX_TEXT_CHARACTERS)} …` : text;
  return element('figure', [
    element('figcaption', isLong ? `${name} (${text.length} characters, cut)` : name),
    element('pre', shown, { tabindex: '0', 'aria-label': name }),
  ]);
}
