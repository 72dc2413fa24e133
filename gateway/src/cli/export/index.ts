export { sessionsExport } from './sessions-export.js';
