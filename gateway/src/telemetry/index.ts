export type { Log, LogFields } from './log.js';
export { LOG_FIELDS, type LogFieldName } from './log-fields.js';
export { createLog, type LogDeps, type LogLevel } from './logger.js';
export { createMetrics, type Metrics, type MetricsDeps } from './metrics.js';
export { escapeControls, redact } from './redact.js';
export { Secret } from './secret.js';
