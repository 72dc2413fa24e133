import type { StatementDeps } from './deps.js';
import type { Received } from './exchange.js';
import { analyzeStage } from './stages/analyze.js';
import { approveStage } from './stages/approve.js';
import { decideStage } from './stages/decide.js';
import { deliverStage } from './stages/deliver.js';
import { forwardStage } from './stages/forward.js';
import { identifyStage } from './stages/identify.js';
import { maskStage } from './stages/mask.js';
import { recordStage } from './stages/record.js';
import { walk } from './walk.js';

/** The walk of a statement. Its order is the order of execution; nothing else runs a statement. */
export const queryWalk = walk<StatementDeps, Received>()
  .to('identify', identifyStage)
  .to('analyze', analyzeStage)
  .to('decide', decideStage)
  .to('approve', approveStage)
  .to('record', recordStage)
  .to('forward', forwardStage)
  .to('mask', maskStage)
  .to('deliver', deliverStage);
