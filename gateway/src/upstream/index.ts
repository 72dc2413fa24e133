export { type ChunkSource, createChunkFetcher } from './chunks.js';
export { fingerprintOf, parsePrivateKey, type UpstreamCredential } from './credential.js';
export { type Endpoint, endpointOf } from './endpoint.js';
export type { LoggedIn, UpstreamLogin } from './login.js';
export type { TokenBox, UpstreamTokens } from './session-calls.js';
export { createSnowflake, type OutgoingStatement, type Snowflake } from './snowflake.js';
export { createTransport, type Transport } from './transport.js';
