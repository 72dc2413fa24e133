import type { RecordingSource } from '../read/source.js';

/** A page reads no directories; the bundler puts this in the place of what does. */
export function openDirectory(): RecordingSource {
  throw new TypeError('a page reads no directories');
}
