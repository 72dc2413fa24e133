import { quoteHumanText } from '../../errors.js';
import type { Html, HtmlPart } from './html.js';
import { html } from './html.js';
import { showText } from './shown-text.js';
import { STYLESHEET_PATH } from './stylesheet.js';

/** Who looks at a page, and the token that proves a form came from it. */
export interface PageViewer {
  readonly name: string;
  readonly csrfToken: string;
}

/** A whole page. Without a viewer it has no way to sign out. */
export function renderPage(title: string, content: HtmlPart, viewer: PageViewer | undefined): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${quoteHumanText(title)} – Piste</title>
<link rel="stylesheet" href="${STYLESHEET_PATH}">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top"><strong>Piste</strong> <a href="/requests">Requests</a>${viewer === undefined ? undefined : renderSignOut(viewer)}</header>
<main id="content">
${content}
</main>
</body>
</html>
`;
  return page.toString();
}

function renderSignOut(viewer: PageViewer): Html {
  return html`<form method="post" action="/auth/logout"><input type="hidden" name="csrf" value="${viewer.csrfToken}">
<span>Signed in as <bdi>${showText(viewer.name)}</bdi></span> <button>Sign out</button></form>`;
}

/** A page that says one thing in plain words. */
export function renderMessagePage(
  title: string,
  sentences: readonly string[],
  viewer: PageViewer | undefined,
  link?: Html,
): string {
  const content = html`<h1>${title}</h1>
${sentences.map((sentence) => html`<p>${sentence}</p>\n`)}${link}`;
  return renderPage(title, content, viewer);
}

/** `2026-11-23 06:27 UTC`. */
export function showUtc(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
