export type { Answer } from './answer.js';
export { type CatalogDeps, type Catalogs, createCatalogs } from './catalogs.js';
export type { StatementDeps, StatementMetrics } from './deps.js';
export { refusedEntry } from './entries.js';
export { denialOf, type LoginDeps, logIn } from './login.js';
export { createResultParts, type ResultParts } from './result-parts.js';
export { createSessionControl, type SessionControl } from './session-control.js';
export { createSessionGates } from './session-gates.js';
export { createStatements, type Statements, type StatementsDeps } from './statements.js';
