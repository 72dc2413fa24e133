import { type Analysis, analyze } from '../../sql/index.js';
import type { SessionCatalog } from '../catalogs.js';
import type { StatementDeps } from '../deps.js';
import type { Analyzed, Identified } from '../exchange.js';
import { createTokenBox } from '../token-box.js';
import type { Stop } from '../walk.js';

/** Rounds of loading objects: views over views over tables, once as remembered and once as they are now. */
const MAX_ROUNDS = 16;

/**
 * Reads the statement against what the session's role can see. Objects not known yet are loaded, and it is read again. A
 * column that is unknown may have been added since its table was looked at, so that is looked at once more.
 */
export async function analyzeStage(deps: StatementDeps, identified: Identified): Promise<Analyzed | Stop> {
  const { session, connection, request } = identified;
  const box = createTokenBox(deps, session);
  const catalog = deps.catalogs.of(session, connection, box);
  for (let round = 1; ; round += 1) {
    const analysis = analyze(request.sqlText, session.context, catalog);
    if (round < MAX_ROUNDS && mayBeOutdated(analysis) && catalog.forgetEarlier()) continue;
    if (analysis.read || analysis.needs.length === 0 || round === MAX_ROUNDS) {
      return { ...identified, analysis: explained(analysis, catalog), catalogVersion: catalog.version() };
    }
    const startedMs = deps.stageTimer.nowMs();
    await catalog.load(analysis.needs, identified.signal);
    deps.stageTimer.stageTook('catalogue', deps.stageTimer.nowMs() - startedMs);
  }
}

const mayBeOutdated = (analysis: Analysis): boolean => !analysis.read && analysis.kind === 'unknown-column';

/** An object that exists but cannot be relied on is no missing object: its reader is told why. */
function explained(analysis: Analysis, catalog: SessionCatalog): Analysis {
  if (analysis.read || analysis.kind !== 'unknown-object') return analysis;
  const problem = catalog.problem();
  return problem === undefined ? analysis : { ...analysis, detail: problem };
}
