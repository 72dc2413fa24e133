export { BODY_COMPLAINTS, type DecodedBody, decodeBody, inflate, isGzip } from './body.js';
export {
  type Envelope,
  encodeBody,
  encodeEnvelope,
  failure,
  inProgress,
  SESSION_CODES,
  snowflakeFailure,
  success,
} from './envelopes.js';
export {
  arrayAt,
  isJsonObject,
  type Json,
  type JsonObject,
  numberAt,
  objectAt,
  parseJson,
  stringifyJson,
  textAt,
} from './json.js';
export { changedParameters, clientParameters, filterParameters, upstreamSessionParameters } from './parameters.js';
export {
  type LoginRequest,
  type Parsed,
  parseAbort,
  parseLogin,
  parseStatement,
  type StatementRequest,
} from './requests.js';
export {
  jsonFormats,
  type ResultFormat,
} from './result-formats.js';
export {
  type Cell,
  type ClientChunk,
  type ClientResult,
  encodeChunkBody,
  parseChunkBody,
  parseUpstreamAnswer,
  type Row,
  type RowBytes,
  type RowtypeColumn,
  readRows,
  resultHead,
  type UpstreamAnswer,
  type UpstreamBody,
  type UpstreamChunk,
  type UpstreamResult,
} from './results.js';
export { matchRoute, type Route, tokenOf } from './routes.js';
export { type SplitAnswer, splitAnswer } from './split-answer.js';
