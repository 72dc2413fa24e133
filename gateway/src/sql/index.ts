export { analyze, readStatement, type StatementReading } from './analyze.js';
export type * from './facts.js';
export { type MaskedSources, type MaskOf, maskSources } from './mask-sources.js';
export { formatObjectName, quoteIdentifier } from './names.js';
export { numberPlaceholders, placeholdersOf } from './placeholders.js';
