import { connectNodeDriver, type NodeDriver } from '../harness/node-driver.js';
import { OWNER_CLAIMS, type Playground, startPlayground } from '../playground/playground.js';
import { type Agent, createAgent, fetchAgentToken } from './agent.js';
import { type Approver, createApprover } from './approver.js';
import { makeAuditorKey } from './auditor-key.js';
import type { Screen } from './screen.js';
import { startTap, type Tap } from './tap.js';

/** Long enough to try things out after the story. */
export const TOKEN_HOURS = 8;

/** A connection that cannot log out, because the other side has gone already, is given up. */
const CLOSE_MILLISECONDS = 3000;
/** Longer than the gateway needs to drain. */
const STOP_PROGRAMS_MILLISECONDS = 35_000;

/** Everything the story plays on. */
export interface Stage {
  readonly screen: Screen;
  readonly playground: Playground;
  /** What the agent's driver got over the wire. */
  readonly tap: Tap;
  readonly agentToken: string;
  readonly agent: Agent;
  /** dana.owner at the admin API. */
  readonly owner: Approver;
  /** Opens recorded texts and results. */
  readonly identityFile: string;
  /** Snowflake without the gateway, as its administrator sees it. */
  readonly direct: NodeDriver;
}

export interface StageOptions {
  readonly screen: Screen;
  /** Files of the playground's resources to leave out. */
  readonly without: readonly string[];
}

/** Ends parts in the reverse order of their start; also those that are still starting. Nobody is waited for without limit. */
export interface Closers {
  add(close: () => Promise<unknown>, milliseconds?: number): void;
  close(): Promise<void>;
}

export function createClosers(): Closers {
  const closers: (() => Promise<unknown>)[] = [];
  return {
    add: (close, milliseconds = CLOSE_MILLISECONDS) => void closers.push(() => endWithin(milliseconds, close)),
    async close() {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
    },
  };
}

/** One part that does not end must not keep the others running. */
async function endWithin(milliseconds: number, close: () => Promise<unknown>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, milliseconds);
  await Promise.race([close().catch(() => undefined), limit.promise]);
  clearTimeout(timer);
}

/** Starts all programs. What was started is in `closers` at any moment, whether this resolves or not. */
export async function openStage({ screen, without }: StageOptions, closers: Closers): Promise<Stage> {
  const auditor = await makeAuditorKey();
  closers.add(() => auditor.remove());
  const starting = startPlayground({
    issuer: { accessTokenSeconds: TOKEN_HOURS * 3600 },
    gatewayEnvironment: {
      PISTE_AUDITOR_GROUPS: 'auditors',
      PISTE_RECORDING_RECIPIENTS_FILE: auditor.recipientsFile,
    },
    resources: Object.fromEntries(without.map((file) => [file, null])),
  });
  closers.add(async () => (await starting).stop(), STOP_PROGRAMS_MILLISECONDS);
  const playground = await starting;
  const tap = await startTap(playground.driverUrl);
  closers.add(() => tap.close());
  const direct = await connectNodeDriver({
    accessUrl: playground.standInUrl,
    account: 'ACME',
    username: 'DIRECT',
    password: 'direct-password',
    role: 'SYSADMIN',
    database: 'CRM',
    schema: 'PUBLIC',
  });
  closers.add(() => direct.close());
  const agentToken = await fetchAgentToken(playground.issuerUrl);
  const agent = createAgent(agentToken);
  closers.add(() => agent.disconnect());
  const owner = createApprover(playground.consoleUrl, await playground.mint('dana.owner', OWNER_CLAIMS));
  return { screen, playground, tap, agentToken, agent, owner, identityFile: auditor.identityFile, direct };
}
