import type { ErasureResult, HoldResult, Kept, NotDone } from '../registry/index.js';
import { type CliIo, EXIT } from './io.js';
import { plural, toLine } from './plain-text.js';
import { toUtc } from './time.js';

const PROGRESS_EVERY_MS = 2000;
/** More lines of one sort than this are counted, not listed. */
const MAX_LISTED = 50;

/** Says how far long work is, on standard error, every few seconds. */
export function createProgress({ err, nowMs }: CliIo): (doing: string, done: number, total: number) => void {
  let saidMs = nowMs();
  return (doing, done, total) => {
    if (nowMs() - saidMs < PROGRESS_EVERY_MS || done >= total) return;
    saidMs = nowMs();
    err(`${doing}: ${done} of ${total}\n`);
  };
}

/** Says what was erased; resolves to the exit code. */
export function reportErasure(result: ErasureResult, what: string, io: CliIo): number {
  if (!result.ok) {
    io.err(`piste: nothing was removed: ${toLine(result.refusal.message)}\n`);
    return result.refusal.kind === 'nothing' ? EXIT.ok : EXIT.failed;
  }
  const { index, removed, absent, kept, notDone, damaged } = result;
  const isIdle = index === undefined && removed + absent === 0;
  io.out(
    isIdle ? 'nothing was removed\n' : `${entryWords(index)}; ${plural(removed, what)} removed, ${absent} not there\n`,
  );
  list(kept.map(toKeptLine), 'more stay', io.out);
  return finish(notDone, damaged, io);
}

/** Says what a hold covers now; resolves to the exit code. */
export function reportHold(
  result: HoldResult,
  { id, v }: { readonly id: string; readonly v: 'set' | 'release' },
  io: CliIo,
): number {
  if (!result.ok) {
    io.err(`piste: nothing was changed: ${toLine(result.refusal.message)}\n`);
    return EXIT.failed;
  }
  const { index, objects, changed, notDone, damaged } = result;
  io.out(`hold ${toLine(id)} ${v === 'set' ? 'set' : 'released'}: ${entryWords(index)}\n`);
  if (objects > 0)
    io.out(`${plural(objects, 'object')} ${v === 'set' ? 'under' : 'free of'} it in the archive, ${changed} changed\n`);
  return finish(notDone, damaged, io);
}

function entryWords(index: number | undefined): string {
  return index === undefined ? 'the registry says so already' : `entry ${index} of the registry`;
}

function toKeptLine({ what, untilMs }: Kept): string {
  return `${toLine(what)} stay: ${untilMs === undefined ? 'under a legal hold of the store' : `locked until ${toUtc(untilMs)}`}`;
}

function finish(notDone: readonly NotDone[], damaged: readonly string[], io: CliIo): number {
  list(
    notDone.map(({ what, why }) => `not done: ${toLine(what)}: ${toLine(why)}`),
    'more not done; run it again',
    io.err,
  );
  for (const log of damaged) io.err(`log ${log} cannot be read to its end; what stands behind was not looked at\n`);
  if (notDone.length > 0) return EXIT.failed;
  return damaged.length === 0 ? EXIT.ok : EXIT.cannotConclude;
}

function list(lines: readonly string[], more: string, say: (text: string) => void): void {
  for (const line of lines.slice(0, MAX_LISTED)) say(`${line}\n`);
  if (lines.length > MAX_LISTED) say(`and ${lines.length - MAX_LISTED} ${more}\n`);
}
