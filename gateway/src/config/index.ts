export { type ArchiveConfig, parseArchiveUrl } from './archive-config.js';
export {
  type Config,
  type ConfigResult,
  type ConsoleLogin,
  type Limits,
  type Listener,
  OPTIONS,
  parseConfig,
  readSecretFile,
  type TlsFiles,
} from './config.js';
export { describeConfig, digestOf } from './digest.js';
