import type { Approval } from '../../approval/approval.js';
import { deny } from '../../errors.js';
import { isSamePrincipal } from '../../identity/index.js';
import type { Access } from './access.js';
import { renderVote, showState } from './decision-page.js';
import type { Html } from './html.js';
import { html } from './html.js';
import type { PageViewer } from './layout.js';
import { renderPage } from './layout.js';

/** What a person sees after deciding: what was counted, for what, and what the agent is told. */
export function renderReceiptPage(approval: Approval, access: Access, viewer: PageViewer): string {
  const own = approval.votes.filter((vote) => isSamePrincipal(vote.voter, access.principal));
  const content = html`<h1>Receipt</h1>
<div class="note"><p><strong>${showState(approval.state)}.</strong></p></div>
<h2>Your vote</h2>
${own.length === 0 ? html`<p>You have not voted on this request.</p>` : html`<ul>${own.map(renderVote)}</ul>`}
<h2>What it covers</h2>
<dl><dt>Request</dt><dd><code>${approval.id}</code></dd>
<dt>Query</dt><dd><code>${approval.subject.queryId}</code></dd>
<dt>Binding hash</dt><dd><code>${approval.subject.bindingHash}</code></dd></dl>
<h2>What the agent is told</h2>
${whatTheAgentIsTold(approval)}
<p><a href="/requests/${encodeURIComponent(approval.id)}">Back to the request</a></p>
<p><a href="/requests">All requests</a></p>`;
  return renderPage('Receipt', content, viewer);
}

function whatTheAgentIsTold(approval: Approval): Html {
  switch (approval.state) {
    case 'pending':
      return html`<p>Nothing yet: the statement keeps waiting.</p>`;
    case 'approved':
      return html`<p>Nothing: the statement runs and its result is delivered.</p>`;
    case 'denied': {
      const vote = approval.votes.findLast((candidate) => candidate.choice === 'deny');
      const at = new Date(approval.decidedAtMs ?? vote?.atMs ?? 0).toISOString();
      const told = deny.approvalDenied(vote?.voter.name ?? 'an approver', at, vote?.reason, approval.id);
      return html`<blockquote>${told.message}</blockquote>`;
    }
    case 'expired':
      return html`<p>That nobody decided in time and nothing was executed.</p>`;
    case 'withdrawn':
      return html`<p>Nothing: the agent stopped waiting.</p>`;
  }
}
