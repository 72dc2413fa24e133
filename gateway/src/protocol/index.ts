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
  originOf,
  parseTarget,
  type Reply,
  readBody,
  sendReply,
  statusOfUnknown,
  type Target,
} from './exchange.js';
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
export { type LoginFacts, type LoginTokens, loginAnswer, loginHead, renewalAnswer } from './login-answer.js';
export {
  type ChosenParameters,
  changedParameters,
  clientParameters,
  encodeParameters,
  filterParameters,
  upstreamSessionParameters,
} from './parameters.js';
export { isResend, scannedQueryId } from './repeated-statements.js';
export {
  type LoginRequest,
  type Parsed,
  parseAbort,
  parseLogin,
  parseStatement,
  type StatementRequest,
} from './requests.js';
export { encodeResult } from './result-body.js';
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
export { type StatementState, statusOf } from './statement-status.js';
