import type { StatementDeps } from '../deps.js';
import { permittedEntry } from '../entries.js';
import type { Permitted, Recorded } from '../exchange.js';
import type { Stop } from '../walk.js';

/** Writes the request down; the receipt is what `forward` asks for. */
export async function recordStage(deps: StatementDeps, permitted: Permitted): Promise<Recorded | Stop> {
  const receipt = await deps.recording.recordRequest(
    permitted.permit,
    permittedEntry(permitted, permitted.permit.approvalId),
  );
  permitted.onRequestRecorded();
  return { ...permitted, receipt };
}
