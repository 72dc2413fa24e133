import { createHash } from 'node:crypto';

/** The one stylesheet of the console. Colours never carry meaning alone; targets are at least 44 px; 320 px is enough. */
export const STYLESHEET = `
:root { color-scheme: light dark; --ink: #16202b; --paper: #fff; --soft: #f1f4f7; --line: #b8c2cc; --link: #0a4fa3;
  --warn: #fff2d6; --warn-ink: #573a00; --stop: #fde4e1; --stop-ink: #7a1408; --go: #e0f3e4; --go-ink: #0f4d1f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf2; --paper: #12181f; --soft: #1d2630; --line: #475563; --link: #8cc0ff;
    --warn: #40310d; --warn-ink: #ffe3a8; --stop: #4a1a14; --stop-ink: #ffd0c9; --go: #14371d; --go-ink: #c4f0cf; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main, .top { max-width: 60rem; margin: 0 auto; padding: .75rem; }
.top { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; border-bottom: 1px solid var(--line); }
.top form { margin-left: auto; }
.skip { position: absolute; left: -100rem; } .skip:focus { position: static; }
a { color: var(--link); } .top a, li > a, p > a:only-child { display: inline-block; min-width: 44px; min-height: 44px; line-height: 44px; }
h1 { font-size: 1.35rem; margin: .25rem 0; overflow-wrap: anywhere; } h2 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
.verdict, .note { border: 2px solid var(--line); border-radius: .4rem; padding: .75rem; background: var(--soft); }
.note { margin: .75rem 0; } .verdict p, .note p { margin: .25rem 0; } .note ul { margin: 0; padding-left: 1.25rem; }
.warning { background: var(--warn); color: var(--warn-ink); border-color: currentColor; }
.stop { background: var(--stop); color: var(--stop-ink); border-color: currentColor; }
.go { background: var(--go); color: var(--go-ink); border-color: currentColor; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .35rem 1rem; margin: 0; }
dd { margin: 0; overflow-wrap: anywhere; } dt { font-weight: 600; }
blockquote { margin: .5rem 0; padding-left: .75rem; border-left: 3px solid var(--line); } main { overflow-wrap: anywhere; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
.tag { display: inline-block; font-size: .8rem; font-weight: 600; border: 1px solid currentColor; border-radius: .25rem; padding: 0 .35rem; }
.claimed { border: 2px dashed currentColor; padding: .35rem .5rem; font-style: italic; background: var(--warn); color: var(--warn-ink); }
pre { margin: 0; padding: .75rem; background: var(--soft); border: 1px solid var(--line); white-space: pre-wrap;
  overflow-wrap: anywhere; font: .95rem/1.45 ui-monospace, monospace; tab-size: 4; direction: ltr; unicode-bidi: bidi-override; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; direction: ltr; unicode-bidi: bidi-override; }
mark { border-radius: .2rem; padding: 0 .15rem; } mark.hidden { background: #8f1d0e; color: #fff; font-weight: 700; }
mark.foreign { background: #ffd76a; color: #2b1d00; text-decoration: underline wavy; }
.line-end { opacity: .5; } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .4rem .5rem; border: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
summary { min-height: 44px; line-height: 44px; cursor: pointer; }
.actions { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); }
.actions form { border: 2px solid var(--line); border-radius: .4rem; padding: .75rem; }
label { display: block; font-weight: 600; } textarea { width: 100%; min-height: 5rem; font: inherit; padding: .5rem; }
button { font: inherit; font-weight: 600; min-height: 44px; min-width: 44px; padding: 0 1.25rem; border-radius: .4rem; border: 2px solid currentColor;
  background: var(--paper); color: var(--ink); cursor: pointer; }
.actions button { width: 100%; margin-top: .5rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
ul.requests { list-style: none; padding: 0; } ul.requests li { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .75rem; margin: .5rem 0; }
ul.requests a, ul.requests div { overflow-wrap: anywhere; } ul.requests a { line-height: 1.5; padding: .6rem 0; }
`;

/** Where the stylesheet is served; the name changes with its content, so it may be cached for ever. */
export const STYLESHEET_PATH = `/assets/console-${createHash('sha256').update(STYLESHEET).digest('hex').slice(0, 16)}.css`;
