/** Printed by `piste help` and behind every usage error. */
export const HELP = `piste: what agents did with Snowflake, and the proof of it

Usage:
  piste audit verify [DIR...] [--trust FILE] [--json]
      Verify recordings offline. Without --trust nothing outside the
      directory vouches for it, and the verdict is "cannot conclude".
  piste sessions list [DIR] [--json]
      List the recorded sessions.
  piste sessions play [DIR] ID [--speed N] [--json]
      Show what happened in one session, as it was delivered. ID may be
      the beginning of an id. --speed replays the pauses N times faster.
  piste version
  piste help

DIR is the recording directory; default: --dir DIR or PISTE_RECORDING_DIR.

Exit codes:
  0  done; verify: sound
  1  failed; verify: tampering proven
  2  verify: cannot conclude
  3  usage
`;
