import type { Step } from './step.js';
import { approvedUnload } from './steps/approved-unload.js';
import { blockedDrop, waysAround } from './steps/blocked.js';
import { bypass } from './steps/bypass.js';
import { deletedLog } from './steps/deleted-log.js';
import { deniedDdl } from './steps/denied-ddl.js';
import { guesses } from './steps/guesses.js';
import { largeResult } from './steps/large-result.js';
import { maskedSelect } from './steps/masked-select.js';
import { proof } from './steps/proof.js';
import { replay } from './steps/replay.js';
import { replayServer } from './steps/replay-server.js';
import { who } from './steps/who.js';

/** The demo in order, after the programs have started. */
export const STORY: readonly Step[] = [
  who,
  maskedSelect,
  guesses,
  blockedDrop,
  waysAround,
  approvedUnload,
  deniedDdl,
  largeResult,
  replay,
  proof,
  bypass,
  deletedLog,
  replayServer,
];
