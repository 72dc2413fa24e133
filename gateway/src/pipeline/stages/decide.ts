import { deny } from '../../errors.js';
import { bindingHash } from '../../policy/binding.js';
import { checkRequest, type Decision, decide, isAllowedParameter, type SourceMask } from '../../policy/index.js';
import { encodeParameters, filterParameters, stringifyJson } from '../../protocol/index.js';
import type { StatementDeps } from '../deps.js';
import { blockedEntry } from '../entries.js';
import type { Analyzed, Decided } from '../exchange.js';
import { type MaskedAtSource, maskAtSource } from '../mask-at-source.js';
import { refuse } from '../refusals.js';
import { sessionParameters } from '../session-parameters.js';
import type { Stop } from '../walk.js';

/** What the snapshot says about the statement. A refusal is recorded here, with the text as it was submitted. */
export async function decideStage(deps: StatementDeps, analyzed: Analyzed): Promise<Decided | Stop> {
  const decided = decideStatement(deps, analyzed);
  countMasks(deps, decided.decision);
  await analyzed.onDecided(decided.decision);
  if (!('denial' in decided)) return decided;
  const entry = blockedEntry(analyzed, decided.decision, analyzed.analysis.canonicalText);
  await deps.recording.note(entry, analyzed.connection.name, decided.decision.strictBy !== undefined);
  analyzed.onRequestRecorded();
  const rule = decided.decision.reasons.find((reason) => reason.rule !== undefined)?.rule ?? 'default';
  deps.metrics.blocked(rule, analyzed.analysis.verb);
  return refuse(analyzed.queryId, decided.denial, 'blocked');
}

/** How often columns were replaced where they are read, and what policies in DryRun would have done. */
function countMasks({ metrics }: StatementDeps, decision: Decision): void {
  if (decision.verdict !== 'block') {
    for (const { policy, action } of decision.sourceMasks) metrics.maskedAtSource(policy, action.type);
  }
  for (const { policy } of decision.dryRun?.masked ?? []) metrics.wouldHave(policy, 'masked');
  for (const { rule } of decision.dryRun?.blocked ?? []) metrics.wouldHave(rule?.split('/')[0] ?? 'none', 'blocked');
}

interface Refused {
  readonly decision: Decision;
  readonly denial: ReturnType<(typeof deny)['badRequest']>;
}

/** The decision alone, without recording it: for a second look after an approval. */
export function decideStatement(
  deps: Pick<StatementDeps, 'clock' | 'maskingKeys'>,
  analyzed: Analyzed,
): Decided | Refused {
  const { analysis, session, connection, request } = analyzed;
  const decision = decide(analysis, session.principal, session.context, connection.policy, deps.clock.nowMs());
  if (decision.verdict === 'block') return { decision, denial: decision.denial };
  const denial = checkRequest(analysis, decision, request);
  if (denial !== undefined) return { decision, denial };
  const { passed, refused } = filterParameters(request.parameters, isAllowedParameter);
  if (refused !== undefined) return { decision, denial: deny.parameterNotAllowed(refused) };
  const masked = sentText(deps, analyzed, decision.sourceMasks);
  if (!masked.ok) return { decision, denial: deny.cannotMask(masked.detail) };
  const canonicalText = masked.text;
  const parameters = { session: sessionParameters(session), statement: passed };
  const binding = {
    connection: connection.name,
    account: session.account,
    canonicalText,
    binds: request.bindings === undefined ? undefined : stringifyJson(request.bindings),
    parameters: encodeParameters(parameters),
    ...session.context,
  };
  return {
    ...analyzed,
    decision,
    canonicalText,
    keyBindings: masked.keyBindings,
    binding,
    bindingHash: bindingHash(binding),
    parameters,
  };
}

/** What leaves for Snowflake: the text that was analysed, protected columns masked where it reads them. */
function sentText(
  deps: Pick<StatementDeps, 'maskingKeys'>,
  { analysis, request }: Analyzed,
  masks: readonly SourceMask[],
): MaskedAtSource {
  if (!analysis.read || analysis.query === undefined) {
    return { ok: true, text: analysis.canonicalText ?? '', keyBindings: undefined };
  }
  const { bindings, describeOnly } = request;
  return maskAtSource({ query: analysis.query, masks, keys: deps.maskingKeys(), bindings, describeOnly });
}
