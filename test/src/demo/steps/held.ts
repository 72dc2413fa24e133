import type { Attempt } from '../agent.js';
import type { ShownRequest } from '../approver.js';
import type { Stage } from '../stage.js';
import { expectSame, expectThat, waitFor } from '../step.js';
import { historyThroughGateway } from './history.js';

/** A statement that waits: the driver's call has not returned. */
export interface Held {
  readonly request: ShownRequest;
  readonly outcome: Promise<Attempt>;
}

/** Lets the agent ask for something that must wait, and shows the request as its approver sees it. */
export async function holdStatement(stage: Stage, sqlText: string, signal: AbortSignal): Promise<Held> {
  const { screen, agent, owner } = stage;
  screen.field('agent', sqlText);
  let returned: Attempt | undefined;
  const outcome = agent.attempt(sqlText).then((attempt) => {
    returned = attempt;
    return attempt;
  });
  const request = await waitFor(signal, async () => {
    const [found] = await owner.pending();
    expectThat(returned === undefined, 'the driver to wait', returned);
    return found;
  });
  screen.say('The driver waits, as for any slow statement. dana.owner reads the request:');
  showRequest(stage, request);
  expectSame('who asks', request.requester.subject, 'report-agent');
  expectSame('for whom', request.requester.delegator, 'sam.analyst');
  expectSame('the text that will run', normal(request.canonicalText), normal(sqlText));
  expectThat(/^[0-9a-f]{64}$/.test(request.bindingHash), 'a binding hash', request.bindingHash);
  expectThat(request.mayDecide, 'dana.owner to be allowed to decide', request);
  const verb = sqlText.slice(0, sqlText.indexOf(' '));
  const early = (await historyThroughGateway(stage.playground)).find((entry) => entry.sqlText.startsWith(verb));
  expectThat(early === undefined, 'nothing to run before the decision', early);
  screen.ok('nothing has run so far');
  return { request, outcome };
}

/** The gateway writes names out in full, with the short one as alias; what the words are is the same. */
const normal = (sqlText: string): string =>
  sqlText
    .toUpperCase()
    .replaceAll('"CRM"."PUBLIC".', '')
    .replaceAll(/("\w+") AS \1/g, '$1')
    .replaceAll('"', '');

function showRequest(
  { screen }: Stage,
  { requester, canonicalText, demand, bindingHash, role, warehouse }: ShownRequest,
): void {
  screen.field('  who', `${requester.subject} (agent ${requester.agent ?? '?'}, ${requester.instance ?? '?'})`);
  screen.field('  on behalf of', `${requester.delegator ?? 'nobody'}, task "${requester.task ?? ''}"`);
  screen.field('  statement', `${canonicalText}  as ${role} on ${warehouse}`);
  screen.field('  rule', `${demand.rules.join(', ')}: ${demand.messages.join(' ')}`);
  screen.field('  binding hash', bindingHash);
}
