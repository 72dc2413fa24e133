// Makes dist/verify.html: the verifier in one page, with everything in it and nothing outside. Runs after `tsc -b`.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../', import.meta.url);
const pathOf = (relative) => fileURLToPath(new URL(relative, root));

/** A page has none of Node's modules: whatever would import one is not for the page. */
const forThePage = {
  name: 'for-the-page',
  setup({ onResolve }) {
    onResolve({ filter: /\/node\.js$/ }, () => ({ path: pathOf('dist/platform/browser.js') }));
    onResolve({ filter: /\/directory-source\.js$/ }, () => ({ path: pathOf('dist/page/no-directories.js') }));
  },
};

const { outputFiles } = await build({
  entryPoints: [pathOf('dist/page/main.js')],
  inject: [pathOf('dist/platform/browser-buffer.js')],
  bundle: true,
  write: false,
  format: 'iife',
  platform: 'browser',
  target: ['chrome137', 'firefox130', 'safari17'],
  charset: 'utf8',
  legalComments: 'none',
  plugins: [forThePage],
});
const script = `\n${outputFiles[0].text.replaceAll('</script', '<\\/script')}`;
const style = `\n${await readFile(pathOf('page/verify.css'), 'utf8')}`;
const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
const template = await readFile(pathOf('page/verify.html'), 'utf8');
const page = template
  .replace('content="policy"', () => `content="${policy}"`)
  .replace(/\n\/\*style\*\/\s*/, () => style)
  .replace(/\n\/\*script\*\/\s*/, () => script);
await writeFile(pathOf('dist/verify.html'), page);
