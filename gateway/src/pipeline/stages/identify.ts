import { deny } from '../../errors.js';
import type { StatementDeps } from '../deps.js';
import type { Identified, Received } from '../exchange.js';
import { refuse } from '../refusals.js';
import type { Stop } from '../walk.js';

/** The session as it stands now, with what its earlier statements left behind, and the connection as one snapshot has it. */
export async function identifyStage(deps: StatementDeps, received: Received): Promise<Identified | Stop> {
  const session = await deps.sessions.load(received.session.id);
  if (session === undefined) return refuse(received.queryId, deny.sessionEnded('it expired or was closed'), 'refused');
  const snapshot = deps.resources.current();
  const connection = snapshot.connections.get(session.connection);
  if (connection === undefined) {
    return refuse(received.queryId, deny.unknownConnection(session.connection, []), 'refused');
  }
  const facts = {
    variables: session.context.facts?.variables ?? {},
    results: deps.earlierResults.of(session.id, connection.policy.revision),
  };
  return {
    ...received,
    session: { ...session, context: { ...session.context, facts } },
    connection,
    snapshotRevision: snapshot.revision,
  };
}
