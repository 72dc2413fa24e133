/** How far an effect waits for its record, the strictest first. See docs/recording-format.md, "Modes". */
export const RECORDING_MODES = ['strict', 'strict-final', 'request-strict', 'observe'] as const;

export type RecordingMode = (typeof RECORDING_MODES)[number];

/** The stricter of two modes. */
export function stricterMode(one: RecordingMode, other: RecordingMode): RecordingMode {
  return RECORDING_MODES.indexOf(one) <= RECORDING_MODES.indexOf(other) ? one : other;
}
