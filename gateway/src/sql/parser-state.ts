import { Edits } from './canonical.js';
import { Cursor } from './cursor.js';
import { NO_BARE_ALIAS, RESERVED } from './keywords.js';
import { Refusal, unknownSyntax, unsupported } from './refusal.js';
import type { Alias, Cte, Query, TableSource } from './syntax.js';
import { isSymbol, isWord, type Token } from './tokens.js';

/** Deepest recursion of the parser: a query in brackets costs three levels, CASE one. It fits the call stack with room to spare. */
const MAX_DEPTH = 650;

const OPENING = ['(', '[', '{'];
const CLOSING = [')', ']', '}'];
const AFTER_QUERY = ['UNION', 'INTERSECT', 'EXCEPT', 'MINUS', 'ORDER', 'LIMIT', 'OFFSET', 'FETCH'];

/** What the parts of the query parser share while they walk over one statement. */
export class ParserState extends Cursor {
  /** Every table named outside common table expressions, in order. */
  readonly tables: TableSource[] = [];
  /** Corrections of the text: `AS` where it was left out, and later full names. */
  readonly edits = new Edits();
  /** The query parser; a member, so that expressions can hold queries without the files importing each other in a circle. */
  readonly query: () => Query;
  readonly #closers: ReadonlyMap<number, number>;
  readonly #ctes: Cte[][] = [];
  #depth = 0;

  constructor(tokens: readonly Token[], at: number, query: (state: ParserState) => Query) {
    super(tokens, at);
    this.query = () => this.nested(() => query(this));
    this.#closers = matchBrackets(tokens);
  }

  nested<T>(parse: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Refusal('too-large', `the query nests deeper than ${MAX_DEPTH}`);
    try {
      return parse();
    } finally {
      this.#depth -= 1;
    }
  }

  /** Runs `parse` with one more list of common table expressions, which it may extend. */
  withCtes<T>(parse: (ctes: Cte[]) => T): T {
    const ctes: Cte[] = [];
    this.#ctes.push(ctes);
    try {
      return parse(ctes);
    } finally {
      this.#ctes.pop();
    }
  }

  findCte(name: string): Cte | undefined {
    for (const ctes of this.#ctes.toReversed()) {
      const found = ctes.find((cte) => cte.name === name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Does the bracket at `at` hold a query, rather than an expression or a join? */
  bracketHoldsQuery(at = this.at): boolean {
    if (!isSymbol(this.tokens[at], '(')) return false;
    const inner = this.tokens[at + 1];
    if (isWord(inner, 'SELECT', 'WITH')) return true;
    if (!isSymbol(inner, '(') || !this.bracketHoldsQuery(at + 1)) return false;
    const after = this.tokens[(this.#closers.get(at + 1) ?? 0) + 1];
    return isSymbol(after, ')') || isWord(after, ...AFTER_QUERY);
  }

  bracketedQuery(): Query {
    this.expectSymbol('(');
    const query = this.query();
    this.expectSymbol(')');
    return query;
  }

  /** A name that may stand without quotes: not a reserved word. */
  name(): Token {
    const token = this.peek();
    if (token?.kind === 'variable') unsupported('a session variable');
    if (token !== undefined && token.kind === 'word' && RESERVED.has(token.value)) {
      unknownSyntax(`${token.value} stands where a name was expected`);
    }
    return this.identifier();
  }

  names(): readonly string[] {
    this.expectSymbol('(');
    const names = [this.name().value];
    while (this.takeSymbol(',')) names.push(this.name().value);
    this.expectSymbol(')');
    return names;
  }

  /** `AS name` or a bare name, which then gets its AS in the canonical text. */
  alias(): string | undefined {
    if (this.take('AS')) return this.name().value;
    const token = this.peek();
    const isBare =
      token?.kind === 'quoted' ||
      (token?.kind === 'word' && !RESERVED.has(token.value) && !NO_BARE_ALIAS.has(token.value));
    if (!isBare) return undefined;
    this.edits.insert(this.at, 'AS');
    return this.name().value;
  }

  /** An alias of a source, which may rename its columns. */
  sourceAlias(): Alias | undefined {
    const name = this.alias();
    if (name === undefined) return undefined;
    return { name, columns: this.seesSymbol('(') ? this.names() : undefined };
  }
}

function matchBrackets(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const closers = new Map<number, number>();
  const open: number[] = [];
  for (const [index, token] of tokens.entries()) {
    if (isSymbol(token, ...OPENING)) open.push(index);
    else if (isSymbol(token, ...CLOSING)) closers.set(open.pop() ?? index, index);
  }
  return closers;
}
