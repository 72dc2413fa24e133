import type { Approvals } from '../approval/index.js';
import type { Limits } from '../config/index.js';
import type { MaskingKeys } from '../masking/index.js';
import type { EarlierResults } from '../policy/index.js';
import type { Recording } from '../recording/index.js';
import type { Resources } from '../resources/index.js';
import type { Sessions } from '../session/index.js';
import type { Store } from '../store/index.js';
import type { Log } from '../telemetry/index.js';
import type { Endpoint, Snowflake } from '../upstream/index.js';
import type { Catalogs } from './catalogs.js';
import type { ResultParts } from './result-parts.js';
import type { SessionGates } from './session-gates.js';
import type { StageTimer } from './walk.js';

/** What happens to statements, counted. Label values come from closed lists. */
export interface StatementMetrics {
  statement(connection: string, statementClass: string, decision: string): void;
  blocked(rule: string, statementClass: string): void;
  masked(policy: string, method: string, values: number): void;
  /** A column of one statement, replaced where it is read. */
  maskedAtSource(policy: string, method: string): void;
  /** What a policy in DryRun would have done to one statement. */
  wouldHave(policy: string, effect: 'masked' | 'blocked'): void;
  maskFailed(reason: string): void;
  /** A column of a result part that looks protected and is not named by any rule. */
  detected(category: string): void;
  delivered(connection: string, rows: number, bytes: number): void;
  /** Time of one statement without Snowflake and people. */
  overhead(seconds: number): void;
}

/** What the stages of a statement work with. */
export interface StatementDeps {
  readonly stageTimer: StageTimer;
  readonly clock: { nowMs(): number };
  readonly log: Log;
  readonly limits: Limits;
  readonly metrics: StatementMetrics;
  readonly store: Store;
  readonly resources: Pick<Resources, 'current'>;
  readonly sessions: Sessions;
  readonly catalogs: Catalogs;
  readonly earlierResults: EarlierResults;
  readonly approvals: Approvals;
  readonly recording: Recording;
  readonly snowflake: Snowflake;
  readonly endpointOf: (connectionName: string) => Endpoint | undefined;
  readonly maskingKeys: () => MaskingKeys;
  readonly gates: SessionGates;
  readonly parts: ResultParts;
}
