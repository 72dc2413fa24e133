export { analyze, readStatement, type StatementReading } from './analyze.js';
export type * from './facts.js';
export { formatObjectName, quoteIdentifier } from './names.js';
