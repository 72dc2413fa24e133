import { analyze } from '../../sql/index.js';
import type { StatementDeps } from '../deps.js';
import type { Analyzed, Identified } from '../exchange.js';
import { createTokenBox } from '../token-box.js';
import type { Stop } from '../walk.js';

/** Rounds of loading objects: views over views over tables. */
const MAX_ROUNDS = 8;

/** Reads the statement against what the session's role can see. Objects not known yet are loaded, and it is read again. */
export async function analyzeStage(deps: StatementDeps, identified: Identified): Promise<Analyzed | Stop> {
  const { session, connection, request } = identified;
  const box = createTokenBox(deps.sessions, session);
  const catalog = deps.catalogs.of(session, connection, box);
  for (let round = 1; ; round += 1) {
    const analysis = analyze(request.sqlText, session.context, catalog);
    if (analysis.read || analysis.needs.length === 0 || round === MAX_ROUNDS) return { ...identified, analysis };
    const startedMs = deps.stageTimer.nowMs();
    await catalog.load(analysis.needs, identified.signal);
    deps.stageTimer.stageTook('catalogue', deps.stageTimer.nowMs() - startedMs);
  }
}
