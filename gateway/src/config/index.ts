export { type Config, type ConfigResult, type ConsoleLogin, type Limits, type Listener, OPTIONS, parseConfig, readSecretFile } from './config.js';
