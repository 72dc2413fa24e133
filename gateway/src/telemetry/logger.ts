import { Writable } from 'node:stream';
import winston from 'winston';
import type { Log, LogFields } from './log.js';
import { isLogField } from './log-fields.js';
import { escapeControls, redact } from './redact.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogDeps {
  /** Lines below it are not made. `debug` adds nothing today: no line is written at that level. */
  readonly level: LogLevel;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Takes one line with its newline; standard output by default. */
  readonly write?: (line: string) => void;
}

const MAX_VALUE_CHARACTERS = 2048;
/** What redaction looks at. Far more than is kept, so a secret cut here is cut away below. */
const MAX_SEARCHED_CHARACTERS = 16_384;

/**
 * A logger that writes one JSON object per line: `at` (RFC 3339, UTC), `level`, `message`, then the fields in the order of
 * their names. Field names outside the closed list are dropped and counted in `droppedFields`; texts are stripped of
 * what looks like a secret, escaped and cut at 2048 characters. Logging never throws.
 */
export function createLog({ level, clock, write }: LogDeps): Log {
  const logger = winston.createLogger({
    level,
    format: winston.format.printf((info) => String(info.message)),
    transports: [createTransport(write ?? ((line) => process.stdout.write(line)))],
    exitOnError: false,
  });
  const at = (lineLevel: Exclude<LogLevel, 'debug'>) => (message: string, fields?: LogFields) => {
    if (!logger.isLevelEnabled(lineLevel)) return;
    logger.log(lineLevel, toLine(lineLevel, clock(), message, fields ?? {}));
  };
  return Object.freeze({ info: at('info'), warn: at('warn'), error: at('error') });
}

function createTransport(write: (line: string) => void): winston.transport {
  const stream = new Writable({
    decodeStrings: false,
    write(line: unknown, _encoding, done) {
      try {
        write(String(line));
      } catch {
        // A line that cannot be written is lost; the statement it speaks of must not be.
      }
      done();
    },
  });
  return new winston.transports.Stream({ stream, eol: '\n' });
}

function toLine(level: string, atMs: number, message: string, fields: LogFields): string {
  const line: Record<string, string | number | boolean> = {
    at: new Date(atMs).toISOString(),
    level,
    message: toText(message),
  };
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === undefined) continue;
    if (!isLogField(name)) {
      dropped.push(/^[A-Za-z]{1,40}$/.test(name) ? name : '?');
    } else {
      line[name] = typeof value === 'number' || typeof value === 'boolean' ? value : toText(value);
    }
  }
  if (dropped.length > 0) line['droppedFields'] = dropped.join(',');
  return JSON.stringify(line);
}

/** Secrets are looked for before the text is cut to size: half a token is still a token. */
function toText(value: unknown): string {
  const text = escapeControls(redact(String(value).slice(0, MAX_SEARCHED_CHARACTERS)));
  return text.length <= MAX_VALUE_CHARACTERS ? text : `${text.slice(0, MAX_VALUE_CHARACTERS - 1)}…`;
}
