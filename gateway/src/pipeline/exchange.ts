import type { MaskedBytes } from '../masking/index.js';
import type { Binding } from '../policy/binding.js';
import type { Decision, MaskObligation } from '../policy/decision.js';
import type { Permit } from '../policy/permit.js';
import type {
  ChosenParameters,
  JsonObject,
  RowtypeColumn,
  StatementRequest,
  UpstreamResult,
} from '../protocol/index.js';
import type { Answer, RequestReceipt } from '../recording/index.js';
import type { Connection } from '../resources/index.js';
import type { Session } from '../session/index.js';
import type { Analysis, Facts } from '../sql/index.js';
import type { Detected } from './masked-part.js';

/** A statement at the start of its walk. */
export interface Received {
  readonly queryId: string;
  readonly session: Session;
  readonly request: StatementRequest;
  readonly receivedAtMs: number;
  /** Scheme, host and port under which this driver reaches the gateway. */
  readonly origin: string;
  /** Aborts the walk: the driver cancelled or the session ended. */
  readonly signal: AbortSignal;
  /** Aborted when this gateway stops: whoever waits for people lets go, whoever waits for Snowflake goes on. */
  readonly stopping: AbortSignal;
  /** Called when it was decided and before that is recorded: keeps how what follows is recorded. */
  readonly onDecided: (decision: Decision) => Promise<void>;
  /** Called when the statement's `request` stands in a log: what refuses it before that answers to nothing. */
  readonly onRequestRecorded: () => void;
}

/** With the connection as one policy snapshot has it; nothing later looks at another snapshot. */
export interface Identified extends Received {
  readonly connection: Connection;
  readonly snapshotRevision: string;
}

export interface Analyzed extends Identified {
  readonly analysis: Analysis;
  /** Names the descriptions of objects that it was read against; undefined when it asked for none. */
  readonly catalogVersion: string | undefined;
}

/** A decision that does not block, and all a yes is bound to. */
export interface Decided extends Analyzed {
  readonly decision: Exclude<Decision, { verdict: 'block' }>;
  /** What runs: the analysed text, protected columns masked where it reads them. */
  readonly canonicalText: string;
  /** Bind values of the masks' keys; never recorded, never shown. */
  readonly keyBindings: JsonObject | undefined;
  readonly binding: Binding;
  readonly bindingHash: string;
  /** Client-given parameters that may be passed on, and those its session has. */
  readonly parameters: ChosenParameters;
}

export interface Permitted extends Decided {
  readonly permit: Permit;
}

export interface Recorded extends Permitted {
  readonly receipt: RequestReceipt;
}

export interface Forwarded extends Recorded {
  readonly result: UpstreamResult;
}

/** Rows as the driver may see them. */
export interface Masked extends Forwarded {
  readonly rowtype: readonly RowtypeColumn[];
  readonly inline: MaskedBytes;
  /** What hid values in the part that came with the answer; further parts can have more. */
  readonly masks: readonly MaskObligation[];
  readonly detected: readonly Detected[];
}

/** The answer, recorded: its bytes may leave. */
export interface Delivered extends Masked {
  readonly answer: Answer;
}

/** The facts of an analysis, when it was read. */
export function factsOf(analysis: Analysis): Facts | undefined {
  return analysis.read ? analysis : undefined;
}
