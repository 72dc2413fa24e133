import type { Approval } from '../../approval/approval.js';
import type { Access } from './access.js';
import { showState } from './decision-page.js';
import type { Html } from './html.js';
import { html } from './html.js';
import type { PageViewer } from './layout.js';
import { renderPage, showUtc } from './layout.js';
import { showText } from './shown-text.js';

/** One request and what its viewer is to it. */
export interface InboxItem {
  readonly approval: Approval;
  readonly access: Access;
}

const MAX_DECIDED = 50;

/** Requests the viewer may see: those that wait first, the most urgent on top; below them what was decided. */
export function renderInboxPage(items: readonly InboxItem[], viewer: PageViewer): string {
  const pending = items
    .filter(({ approval }) => approval.state === 'pending')
    .toSorted((a, b) => a.approval.expiresAtMs - b.approval.expiresAtMs);
  const decided = items
    .filter(({ approval }) => approval.state !== 'pending')
    .toSorted((a, b) => decidedAt(b.approval) - decidedAt(a.approval))
    .slice(0, MAX_DECIDED);
  const content = html`<h1>Requests</h1>
<h2>Waiting (${pending.length})</h2>
${pending.length === 0 ? html`<p>Nothing waits for you.</p>` : html`<ul class="requests">${pending.map(renderItem)}</ul>`}
<h2>Decided</h2>
${decided.length === 0 ? html`<p>Nothing has been decided yet.</p>` : html`<ul class="requests">${decided.map(renderItem)}</ul>`}`;
  return renderPage('Requests', content, viewer);
}

function decidedAt(approval: Approval): number {
  return approval.decidedAtMs ?? approval.expiresAtMs;
}

function renderItem({ approval, access }: InboxItem): Html {
  const { subject } = approval;
  const who = subject.requester.agent ?? subject.requester.name;
  const when =
    approval.state === 'pending'
      ? `${access.mayDecide ? 'Yours to decide' : 'Waiting for others'}; denied automatically at ${showUtc(approval.expiresAtMs)}`
      : `${showState(approval.state)}, ${showUtc(decidedAt(approval))}`;
  const { delegator } = subject.requester;
  const behalf = delegator === undefined ? undefined : html` for <bdi>${showText(delegator)}</bdi>`;
  return html`<li><a href="/requests/${encodeURIComponent(approval.id)}"><strong>${showText(subject.class)}</strong> ${renderObjects(approval)}</a>
<div>through connection ${showText(subject.connection)}, asked by <bdi>${showText(who)}</bdi>${behalf}</div><div>${when}</div></li>
`;
}

const MAX_OBJECTS_SHOWN = 3;

/** What tells one request from the next: the objects it touches, as far as they are known. */
function renderObjects({ subject: { objects } }: Approval): Html {
  if (objects.length === 0) return html`on an object the gateway cannot name`;
  const shown = objects
    .slice(0, MAX_OBJECTS_SHOWN)
    .map(({ database, schema, name }) => [database, schema, name].filter((part) => part !== '').join('.'));
  const more = objects.length - shown.length;
  return html`on ${showText(shown.join(', '))}${more > 0 ? ` and ${more} more` : ''}`;
}
