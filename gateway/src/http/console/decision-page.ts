import { createHash } from 'node:crypto';
import type { Approval, ApprovalState, Vote } from '../../approval/approval.js';
import { isSamePrincipal } from '../../identity/index.js';
import type { Access } from './access.js';
import type { Html } from './html.js';
import { html } from './html.js';
import type { PageViewer } from './layout.js';
import { renderPage, showUtc } from './layout.js';
import { countComments, inspectText, showText } from './shown-text.js';

/** Longer statements are not shown whole, so they cannot be approved on a page. */
const MAX_SHOWN_CHARACTERS = 200_000;
/** Longest reason that is accepted; what agents are told is cut at the same length. */
export const MAX_REASON_CHARACTERS = 280;

/** True when the page shows every character of what would run. */
export function isShownWhole(approval: Approval): boolean {
  const { canonicalText, binds = '', parameters = '' } = approval.subject;
  return canonicalText.length + binds.length + parameters.length <= MAX_SHOWN_CHARACTERS;
}

export interface DecisionPage {
  readonly page: string;
  /** SHA-256 (hex) of everything shown about the request: the page without its forms. */
  readonly shownDigest: string;
}

/** The page on which a person decides: plain HTML in a fixed order, whole without scripts. */
export function renderDecisionPage(
  approval: Approval,
  access: Access,
  viewer: PageViewer,
  nowMs: number,
): DecisionPage {
  const shown = html`${renderVerdict(approval, nowMs)}
${renderWho(approval)}
${renderWhy(approval)}
${renderStatement(approval)}
${renderObjects(approval)}
${renderOutput(approval)}
${renderContext(approval)}
${renderVotes(approval)}`;
  const page = renderPage(
    `${approval.subject.class} on ${approval.subject.connection}`,
    html`${shown}
${renderActions(approval, access, viewer)}`,
    viewer,
  );
  return { page, shownDigest: createHash('sha256').update(shown.toString()).digest('hex') };
}

const STATE_WORDS: Readonly<Record<ApprovalState, string>> = {
  pending: 'Waiting for a decision',
  approved: 'Approved',
  denied: 'Denied',
  expired: 'Denied automatically: nobody decided in time',
  withdrawn: 'Withdrawn by the one who asked',
};

/** The state in words for people. */
export function showState(state: ApprovalState): string {
  return STATE_WORDS[state];
}

function renderVerdict(approval: Approval, nowMs: number): Html {
  const { subject } = approval;
  const minutes = Math.max(0, Math.ceil((approval.expiresAtMs - nowMs) / 60_000));
  const consequence =
    approval.state === 'pending'
      ? html`<p>If nobody decides by <strong>${showUtc(approval.expiresAtMs)}</strong> (in about ${minutes} min when this page was made), it is denied automatically and nothing runs.</p>`
      : html`<p>Decided ${approval.decidedAtMs === undefined ? '' : showUtc(approval.decidedAtMs)}. Nothing can be changed here any more.</p>`;
  return html`<section class="verdict" aria-label="Verdict">
<h1><code>${showText(subject.class)}</code> on connection <code>${showText(subject.connection)}</code></h1>
<p><strong>${showState(approval.state)}.</strong></p>
${consequence}
</section>`;
}

const VERIFIED = html`<span class="tag">✓ verified</span>`;
const CLAIMED = html`<span class="tag">claimed, not verified</span>`;

function renderWho(approval: Approval): Html {
  const { requester, claimedPurpose } = approval.subject;
  const verified = (label: string, value: string | undefined) =>
    value === undefined ? undefined : html`<dt>${label}</dt><dd>${VERIFIED} <bdi>${showText(value)}</bdi></dd>\n`;
  return html`<section><h2>Who asks, and for whom</h2>
<dl>
${verified('Agent', requester.agent)}<dt>Signed in as</dt><dd>${VERIFIED} <bdi>${showText(requester.name)}</bdi>, subject <code>${showText(requester.subject)}</code> of <code>${showText(requester.issuer)}</code></dd>
<dt>On behalf of</dt><dd>${requester.delegator === undefined ? 'nobody: the token names no person' : html`${VERIFIED} <bdi>${showText(requester.delegator)}</bdi>`}</dd>
${verified('Instance', requester.instance)}${verified('Task', requester.task)}<dt>Groups</dt><dd>${VERIFIED} ${requester.groups.length === 0 ? 'none' : requester.groups.map((group) => html`<code>${showText(group)}</code> `)}</dd>
<dt>Says it is doing</dt><dd>${claimedPurpose === undefined ? 'nothing said' : html`${CLAIMED}<div class="claimed"><bdi>${showText(claimedPurpose)}</bdi></div>`}</dd>
</dl></section>`;
}

function renderWhy(approval: Approval): Html {
  const { demand } = approval.subject;
  return html`<section><h2>Why it is held</h2>
<ul>${demand.rules.map((rule) => html`<li>Rule <code>${showText(rule)}</code></li>`)}</ul>
${demand.messages.map((message) => html`<p><bdi>${showText(message)}</bdi></p>`)}</section>`;
}

function renderStatement(approval: Approval): Html {
  const { canonicalText, submittedText, binds, parameters, bindingHash } = approval.subject;
  const whole = isShownWhole(approval);
  return html`<section><h2>What will run</h2>
${renderWarnings([canonicalText, binds, parameters].join('\n'), submittedText)}
${whole ? undefined : html`<div class="note stop"><p><strong>Too long to show whole.</strong> This is only the beginning, so it cannot be approved here.</p></div>`}
<pre>
${showText(cut(canonicalText))}</pre>
${renderBeside('Values bound to its placeholders', binds)}
${renderBeside('Parameters the agent set for its session or with this statement', parameters)}
<p>An approval covers exactly this text, these values and parameters, this role and context, and nothing else. Binding hash: <code>${bindingHash}</code></p>
<details><summary>Exactly as it was sent (${Buffer.byteLength(submittedText)} bytes)</summary>
<p>SHA-256 <code>${createHash('sha256').update(submittedText).digest('hex')}</code></p>
<pre>
${showText(cut(submittedText), true)}</pre></details>
</section>`;
}

const cut = (text: string): string => text.slice(0, MAX_SHOWN_CHARACTERS);

function renderBeside(title: string, text: string | undefined): Html | undefined {
  if (text === undefined) return undefined;
  return html`<h3>${title}</h3>
<pre>
${showText(cut(text))}</pre>`;
}

function renderWarnings(runs: string, sent: string): Html | undefined {
  const inRun = inspectText(runs);
  const inSent = inspectText(sent);
  const comments = countComments(sent);
  const warnings: Html[] = [];
  const hidden = [...new Set([...inRun.hidden, ...inSent.hidden])];
  if (hidden.length > 0) {
    warnings.push(
      html`<li><strong>Hidden characters</strong> that cannot be seen or that reorder text: ${hidden.slice(0, 20).join(', ')}. They are shown below by their number.</li>`,
    );
  }
  const foreign = [...new Set([...inRun.foreign, ...inSent.foreign])];
  if (foreign.length > 0) {
    warnings.push(
      html`<li><strong>Characters outside ASCII</strong> that may look like others: ${foreign.slice(0, 20).join(', ')}. They are marked below.</li>`,
    );
  }
  if (comments > 0) {
    warnings.push(
      html`<li><strong>${comments === 1 ? 'A comment' : `${comments} comments`}</strong> stood in the text as it was sent. Comments do not run; believe nothing they say.</li>`,
    );
  }
  return warnings.length === 0 ? undefined : html`<div class="note warning" role="note"><ul>${warnings}</ul></div>`;
}

function renderObjects(approval: Approval): Html {
  const { objects } = approval.subject;
  if (objects.length === 0)
    return html`<section><h2>What it touches</h2><p>The gateway could not name any object.</p></section>`;
  const rows = objects.map(
    (object) =>
      html`<tr><td><code>${showText(object.database)}</code></td><td><code>${showText(object.schema)}</code></td><td><code>${showText(object.name)}</code></td></tr>\n`,
  );
  return html`<section><h2>What it touches</h2>
<div class="wide"><table><thead><tr><th scope="col">Database</th><th scope="col">Schema</th><th scope="col">Object</th></tr></thead><tbody>
${rows}</tbody></table></div></section>`;
}

function renderOutput(approval: Approval): Html {
  const { masks } = approval.subject;
  if (masks.length === 0)
    return html`<section><h2>What comes out</h2><p>No column of the result is masked.</p></section>`;
  const rows = masks.map(
    (mask) =>
      html`<tr><td>${mask.index + 1}: <code>${showText(mask.name ?? 'without a name')}</code></td><td>${mask.action.type}</td><td><code>${showText(mask.policy)}</code> / <code>${showText(mask.rule)}</code></td></tr>\n`,
  );
  return html`<section><h2>What comes out</h2>
<p><strong>Result stays masked (${masks.length} ${masks.length === 1 ? 'column' : 'columns'}).</strong> Approving does not lift it.</p>
<div class="wide"><table><thead><tr><th scope="col">Column</th><th scope="col">Replaced by</th><th scope="col">Policy</th></tr></thead><tbody>
${rows}</tbody></table></div></section>`;
}

function renderContext(approval: Approval): Html {
  const { role, warehouse, database, schema, account, sessionId, queryId } = approval.subject;
  const line = (label: string, value: string | undefined) =>
    html`<dt>${label}</dt><dd>${value === undefined ? 'none' : html`<code>${showText(value)}</code>`}</dd>\n`;
  return html`<section><h2>Where it runs</h2>
<dl>
${line('Account', account)}${line('Role', role)}${line('Warehouse', warehouse)}${line('Database', database)}${line('Schema', schema)}${line('Session', sessionId)}${line('Query', queryId)}</dl></section>`;
}

function renderVotes(approval: Approval): Html {
  const quorums = approval.subject.demand.quorums.map((quorum) => {
    const who = [...quorum.groups.map((group) => `group ${group}`), ...quorum.users.map((user) => `user ${user}`)].join(
      ', ',
    );
    return html`<li>Rule <code>${showText(quorum.rule)}</code> needs ${quorum.minApprovals} of: ${showText(who)}</li>\n`;
  });
  return html`<section><h2>Votes so far</h2>
<ul>
${quorums}</ul>
${approval.votes.length === 0 ? html`<p>Nobody has voted.</p>` : html`<ul>${approval.votes.map(renderVote)}</ul>`}</section>`;
}

/** One vote in one line. */
export function renderVote(vote: Vote): Html {
  const word = vote.choice === 'approve' ? '✓ approved' : '✗ denied';
  const reason = vote.reason === undefined ? undefined : html`, saying: “<bdi>${showText(vote.reason)}</bdi>”`;
  return html`<li><bdi>${showText(vote.voter.name)}</bdi> (<code>${showText(vote.voter.subject)}</code>) ${word} on ${showUtc(vote.atMs)}${reason}</li>\n`;
}

function renderActions(approval: Approval, access: Access, viewer: PageViewer): Html {
  const reason = reasonForNoAction(approval, access);
  if (reason !== undefined) return html`<section><h2>Your decision</h2><p>${reason}</p></section>`;
  const action = `/requests/${encodeURIComponent(approval.id)}/decision`;
  const hidden = (choice: string) => html`<input type="hidden" name="csrf" value="${viewer.csrfToken}">
<input type="hidden" name="bindingHash" value="${approval.subject.bindingHash}">
<input type="hidden" name="choice" value="${choice}">`;
  const approve = html`<form method="post" action="${action}" class="go">
${hidden('approve')}
<label for="approve-reason">Note (optional)</label>
<textarea id="approve-reason" name="reason" maxlength="${MAX_REASON_CHARACTERS}"></textarea>
<button>✓ Approve once</button>
</form>`;
  return html`<section><h2>Your decision</h2>
<div class="actions">
${isShownWhole(approval) ? approve : undefined}
<form method="post" action="${action}" class="stop">
${hidden('deny')}
<label for="deny-reason">Why not? (required; the agent is told)</label>
<textarea id="deny-reason" name="reason" maxlength="${MAX_REASON_CHARACTERS}" required></textarea>
<button>✗ Deny</button>
</form>
</div></section>`;
}

function reasonForNoAction(approval: Approval, access: Access): string | undefined {
  if (approval.state !== 'pending') return `There is nothing left to decide: ${showState(approval.state)}.`;
  if (access.isRequester) return 'You asked for this yourself, so somebody else must decide.';
  if (!access.mayDecide) return 'Only a person named as approver can decide; you may look.';
  if (approval.votes.some((vote) => isSamePrincipal(vote.voter, access.principal))) {
    return 'Your vote is counted. The request still needs others.';
  }
  return undefined;
}
