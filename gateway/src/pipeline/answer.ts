export type { Answer } from '../recording/index.js';
