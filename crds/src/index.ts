export { type Complaint, formatComplaint } from './complaint.js';
export type * from './generated/resources.js';
export { API_VERSION, GROUP, VERSION } from './kind-names.js';
export type { ResourceMetadata } from './metadata.js';
export {
  checkResource,
  MAX_TEXT_BYTES,
  type ParsedResources,
  parseResources,
  type Resource,
} from './parse-resources.js';
export type { Fault } from './structure.js';
export { type Place, parseYamlDocuments, type YamlDocument } from './yaml-documents.js';
