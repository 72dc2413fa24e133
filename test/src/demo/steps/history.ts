import type { Playground } from '../../playground/playground.js';
import type { HistoryEntry } from '../../stand-in/index.js';

/** Statements that reached Snowflake through the gateway. */
export async function historyThroughGateway(playground: Playground): Promise<readonly HistoryEntry[]> {
  return (await playground.history()).filter(({ user }) => user === 'PISTE_SVC');
}
