// The page's bundler puts `browser.js` in the place of `node.js`.
export { platform } from './node.js';
export type { Ed25519Key, GcmSealed, Platform, RunningHash } from './platform.js';
