/** Values a log line may carry. Secrets are never passed; text of statements belongs in the record, not here. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** One JSON line per call. Field names come from a closed list in `telemetry`. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
