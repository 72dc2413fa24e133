import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { closedLabel } from './metric-labels.js';

/** What is measured of moving the recording to its archive. */
export interface ArchiveRecorders {
  readonly shipped: (bytes: number, seconds: number) => void;
  readonly failed: (reason: string) => void;
  readonly spool: (state: { readonly lagSeconds: number; readonly bytes: number; readonly isBlocked: boolean }) => void;
}

const SHIP_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createArchiveRecorders(registry: Registry): ArchiveRecorders {
  const registers = [registry];
  const shipped = new Counter({
    name: 'piste_archive_segments_total',
    help: 'Segments archived, read back and locked.',
    registers,
  });
  const bytes = new Counter({ name: 'piste_archive_bytes_total', help: 'Bytes archived.', registers });
  const seconds = new Histogram({
    name: 'piste_archive_ship_duration_seconds',
    help: 'Time to archive one segment.',
    buckets: SHIP_SECONDS,
    registers,
  });
  const failures = new Counter({
    name: 'piste_archive_failures_total',
    help: 'Tries to archive that failed.',
    labelNames: ['reason'],
    registers,
  });
  const lag = new Gauge({
    name: 'piste_archive_lag_seconds',
    help: 'How long the oldest record waits for the archive.',
    registers,
  });
  const spool = new Gauge({
    name: 'piste_archive_spool_bytes',
    help: 'Bytes recorded that are not archived yet.',
    registers,
  });
  const blocked = new Gauge({
    name: 'piste_archive_blocked',
    help: 'Whether new statements are refused because too much waits for the archive.',
    registers,
  });
  return {
    shipped(count, took) {
      shipped.inc();
      bytes.inc(count);
      seconds.observe(took);
    },
    failed: (reason) => failures.inc({ reason: closedLabel('archive_failure', reason) }),
    spool(state) {
      lag.set(state.lagSeconds);
      spool.set(state.bytes);
      blocked.set(state.isBlocked ? 1 : 0);
    },
  };
}
