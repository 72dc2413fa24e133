import type { Person } from './people.js';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** The issuer's login page: one button per person, no password. */
export function renderLoginPage(action: string, clientId: string, people: readonly Person[]): string {
  const buttons = people
    .map(
      (person) =>
        `<li><button name="login" value="${escapeHtml(person.subject)}">${escapeHtml(person.name)}</button> ` +
        `<code>${escapeHtml(person.subject)}</code>, groups: ${escapeHtml(person.groups.join(', ') || 'none')}</li>`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demonstration login</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 1rem; }
.warning { border: 2px solid #8a5a00; background: #fff6e0; color: #332200; padding: .75rem; }
li { margin: .75rem 0; } ul { list-style: none; padding: 0; }
button { font: inherit; min-height: 44px; padding: 0 1rem; }
</style>
</head>
<body>
<main>
<h1>Demonstration login</h1>
<p class="warning"><strong>For demonstrations only.</strong> There is no password: whoever opens this page can be anybody on it.</p>
<p>Sign in to <code>${escapeHtml(clientId)}</code> as:</p>
<form method="post" action="${escapeHtml(action)}">
<ul>
${buttons}
</ul>
</form>
</main>
</body>
</html>
`;
}
