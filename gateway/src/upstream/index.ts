export { type ChunkSource, createChunkFetcher } from './chunks.js';
export { fingerprintOf, parsePrivateKey, type UpstreamCredential } from './credential.js';
export { type Endpoint, endpointOf } from './endpoint.js';
export {
  createSnowflake,
  type LoggedIn,
  type OutgoingStatement,
  type Snowflake,
  type TokenBox,
  type UpstreamLogin,
  type UpstreamTokens,
} from './snowflake.js';
export { createTransport, type Transport } from './transport.js';
