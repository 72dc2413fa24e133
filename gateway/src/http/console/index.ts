export { createConsole } from './console.js';
export type { ConsoleApprovals, ConsoleConnection, ConsoleConnections, ConsoleDependencies } from './dependencies.js';
export { noiseEntry } from './recorded-answers.js';
