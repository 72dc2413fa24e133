export { analyze } from './analyze.js';
export type * from './facts.js';
export {
  type FunctionRow,
  type FunctionSurface,
  functionSurfaceOf,
  listFunctionSurfaces,
} from './function-surfaces.js';
export { type HazardRow, STATEMENT_HAZARDS, type StatementHazard } from './hazard-table.js';
export { effectsOf, explainHazards } from './hazards.js';
export { type MaskedSources, type MaskOf, maskSources } from './mask-sources.js';
export {
  listMetadataSurfaces,
  type MetadataKind,
  type MetadataSurface,
  metadataSurfaceOf,
} from './metadata-surfaces.js';
export { formatObjectName, quoteIdentifier } from './names.js';
export { numberPlaceholders, placeholdersOf } from './placeholders.js';
export { readStatement, type StatementReading } from './read-statement.js';
