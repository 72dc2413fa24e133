import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's package; another one can be named by CHROMIUM. */
const DEBIAN_CHROMIUM = '/usr/bin/chromium';
/** No sandbox, because build machines run as root; nothing that calls home. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const SCREENS = fileURLToPath(new URL('../../../.cache/screens/', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** The installed Chromium with a fresh profile. @throws Error when there is none: nothing is skipped. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? DEBIAN_CHROMIUM;
  if (!existsSync(executablePath)) throw new Error(`there is no browser at ${executablePath}; run: make browser`);
  return await chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** Keeps the whole page as a picture in `.cache/screens`. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  await mkdir(SCREENS, { recursive: true });
  await page.screenshot({ path: join(SCREENS, `${name}.png`), fullPage: true });
}

/** One rule of axe-core that the page breaks badly. */
export type Violation = { readonly rule: string; readonly impact: string; readonly where: readonly string[] };

/** Runs in the page, where axe-core was loaded before. */
const RUN_AXE = `axe.run().then(({ violations }) => violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .map(({ id, impact, nodes }) => ({ rule: id, impact, where: nodes.map((node) => node.target.join(' ') + ': ' + node.failureSummary) })))`;

/**
 * Serious and critical violations of the WCAG rules on the page, as axe-core sees them. The page has to run scripts; its
 * content security policy is not in the way of the debugger.
 */
export async function findViolations(page: Page): Promise<readonly Violation[]> {
  await page.evaluate(await readFile(AXE, 'utf8'));
  return await page.evaluate<readonly Violation[]>(RUN_AXE);
}

/** Runs in the page. The skip link is off-screen until it has the focus; sizes are fractions of a pixel after layout. */
const MEASURE = `(() => {
  const least = 44 - 0.5;
  const root = document.documentElement;
  const faults = [];
  if (root.scrollWidth > root.clientWidth) {
    const beyond = [...document.body.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > root.clientWidth);
    faults.push('the page is ' + root.scrollWidth + ' px wide in ' + root.clientWidth + ' px: ' + beyond.slice(0, 5).map((element) => element.outerHTML.slice(0, 120)).join(' | '));
  }
  for (const element of document.querySelectorAll('a:not(.skip), button, summary, textarea, input:not([type=hidden])')) {
    const { width, height, right } = element.getBoundingClientRect();
    const name = element.tagName.toLowerCase() + ' "' + element.textContent.trim().slice(0, 40) + '"';
    if (height < least || width < least) faults.push(name + ' is ' + Math.round(width) + ' x ' + Math.round(height) + ' px');
    if (right > root.clientWidth + 0.5) faults.push(name + ' reaches beyond the window');
  }
  return faults;
})()`;

/** What is wrong with the layout at the page's present width: overflow to the side, targets too small to hit. */
export async function findLayoutFaults(page: Page): Promise<readonly string[]> {
  return await page.evaluate<readonly string[]>(MEASURE);
}
