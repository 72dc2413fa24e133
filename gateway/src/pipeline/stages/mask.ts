import { deny, errorMessage } from '../../errors.js';
import { checkRowtype, MaskingFailed, maskedRowtype } from '../../masking/index.js';
import type { StatementDeps } from '../deps.js';
import type { Forwarded, Masked } from '../exchange.js';
import { maskPart } from '../masked-part.js';
import { refuse } from '../refusals.js';
import type { Stop } from '../walk.js';

/** Checks that the result has the shape that was analysed, then replaces protected values. Any doubt withholds it whole. */
export async function maskStage(deps: StatementDeps, forwarded: Forwarded): Promise<Masked | Stop> {
  const { result, decision, queryId } = forwarded;
  const mismatch = decision.outputs === undefined ? undefined : checkRowtype(result.rowtype, decision.outputs);
  if (mismatch !== undefined) {
    deps.metrics.maskFailed('rowtype');
    return refuse(queryId, deny.cannotMask(mismatch), 'withheld');
  }
  try {
    const outcome = maskPart(result.inline, {
      rowtype: result.rowtype,
      masks: decision.masks,
      detection: forwarded.connection.policy.detection,
      keys: deps.maskingKeys(),
    });
    for (const { category } of outcome.detected) deps.metrics.detected(category);
    if (!outcome.ok) return refuse(queryId, outcome.denial, 'withheld');
    const { masked: inline, masks, detected } = outcome;
    for (const count of inline.counts) deps.metrics.masked(count.policy, count.action, count.values);
    return { ...forwarded, rowtype: maskedRowtype(result.rowtype, masks), inline, masks, detected };
  } catch (error) {
    if (!(error instanceof MaskingFailed)) deps.log.error('masking failed', { queryId, error: errorMessage(error) });
    deps.metrics.maskFailed('failed');
    return refuse(
      queryId,
      error instanceof MaskingFailed ? error.denial : deny.cannotMask('masking failed'),
      'withheld',
    );
  }
}
