import { Edits } from './canonical.js';
import { Cursor } from './cursor.js';
import { NO_BARE_ALIAS, RESERVED } from './keywords.js';
import type { Mentions, Shape } from './mentions.js';
import type { NameParts } from './names.js';
import { Refusal, unknownSyntax } from './refusal.js';
import type { Alias, Cte, Query, TableSource } from './syntax.js';
import { isSymbol, isWord, type Token } from './tokens.js';

/** The parsers that others need: members of the state, so that the files do not import each other in a circle. */
export interface Grammar {
  readonly query: (state: ParserState) => Query;
  readonly chain: (state: ParserState, mentions: Mentions) => Shape;
  readonly arithmetic: (state: ParserState, mentions: Mentions) => void;
}

/** A call of a function that is not built in. */
export interface FunctionUse {
  readonly parts: NameParts;
  readonly from: number;
  readonly to: number;
}

/** Deepest recursion of the parser: a query in brackets costs three levels, CASE one. It fits the call stack with room to spare. */
const MAX_DEPTH = 650;

const OPENING: ReadonlySet<string> = new Set('([{');
const CLOSING: ReadonlySet<string> = new Set(')]}');
const AFTER_QUERY = ['UNION', 'INTERSECT', 'EXCEPT', 'MINUS', 'ORDER', 'LIMIT', 'OFFSET', 'FETCH'];

/** What the parts of the query parser share while they walk over one statement. */
export class ParserState extends Cursor {
  /** Every table named outside common table expressions, in order. */
  readonly tables: TableSource[] = [];
  /** Corrections of the text: `AS` where it was left out, and later full names. */
  readonly edits = new Edits();
  readonly functions: FunctionUse[] = [];
  /** The SELECT being read has CONNECT BY. */
  isHierarchical = false;
  /** A MATCH_RECOGNIZE is being read. */
  isInPattern = false;
  readonly #grammar: Grammar;
  readonly #closers: Int32Array;
  readonly #ctes: (readonly Cte[])[] = [];
  readonly #lambdas: (readonly string[])[] = [];
  #hasConnect: boolean | undefined;
  #body: Cte | undefined;
  #depth = 0;

  constructor(tokens: readonly Token[], at: number, grammar: Grammar) {
    super(tokens, at);
    this.#grammar = grammar;
    this.#closers = matchBrackets(tokens);
  }

  query(): Query {
    return this.nested(() => this.#grammar.query(this));
  }

  /** Operands and operators in turn. */
  chain(mentions: Mentions): Shape {
    return this.nested(() => this.#grammar.chain(this, mentions));
  }

  chains(mentions: Mentions): void {
    do this.chain(mentions);
    while (this.takeSymbol(','));
  }

  /** Operands joined by arithmetic alone. */
  arithmetic(mentions: Mentions): void {
    this.nested(() => this.#grammar.arithmetic(this, mentions));
  }

  /** Is there any CONNECT in the text? */
  get hasConnect(): boolean {
    this.#hasConnect ??= this.tokens.some((token) => isWord(token, 'CONNECT'));
    return this.#hasConnect;
  }

  /** The bracket that closes the one at `at`. */
  closerOf(at: number): number {
    return this.#closers[at] ?? 0;
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

  /** The common table expressions of this name, innermost first. */
  findCtes(name: string): readonly Cte[] {
    const found: Cte[] = [];
    for (let level = this.#ctes.length - 1; level >= 0; level -= 1) {
      for (const cte of this.#ctes[level] ?? []) if (cte.name === name) found.push(cte);
    }
    return found;
  }

  /** The query in brackets that is the body of a common table expression. */
  bodyOf(cte: Cte): Query {
    this.expectSymbol('(');
    this.#body = cte;
    const query = this.query();
    this.expectSymbol(')');
    return query;
  }

  /** The common table expression whose whole body begins here. */
  takeBody(): Cte | undefined {
    const body = this.#body;
    this.#body = undefined;
    return body;
  }

  /** Runs `parse` where the names are parameters of a lambda. */
  withLambda<T>(parameters: readonly string[], parse: () => T): T {
    this.#lambdas.push(parameters);
    try {
      return parse();
    } finally {
      this.#lambdas.pop();
    }
  }

  isLambdaParameter(name: string): boolean {
    return this.#lambdas.some((parameters) => parameters.includes(name));
  }

  /** Runs `parse` for one SELECT or pattern; what stands around it is another one. */
  within<T>(place: { readonly isHierarchical: boolean; readonly isInPattern: boolean }, parse: () => T): T {
    const { isHierarchical, isInPattern } = this;
    this.isHierarchical = place.isHierarchical;
    this.isInPattern = place.isInPattern;
    try {
      return parse();
    } finally {
      this.isHierarchical = isHierarchical;
      this.isInPattern = isInPattern;
    }
  }

  /** Does the bracket at `at` hold a query, rather than an expression or a join? */
  bracketHoldsQuery(at = this.at): boolean {
    if (!isSymbol(this.tokens[at], '(')) return false;
    const inner = this.tokens[at + 1];
    if (isWord(inner, 'SELECT', 'WITH')) return true;
    if (!isSymbol(inner, '(') || !this.bracketHoldsQuery(at + 1)) return false;
    const after = this.tokens[this.closerOf(at + 1) + 1];
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
    if (token?.kind === 'variable') throw new Refusal('dynamic', 'a name is given by a variable or placeholder');
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

  nameOrNames(): readonly string[] {
    return this.seesSymbol('(') ? this.names() : [this.name().value];
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

/** For each opening bracket its closing one. The lexer has made sure that they match. */
function matchBrackets(tokens: readonly Token[]): Int32Array {
  const closers = new Int32Array(tokens.length);
  const open: number[] = [];
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token?.kind !== 'symbol') continue;
    if (OPENING.has(token.value)) open.push(index);
    else if (CLOSING.has(token.value)) closers[open.pop() ?? index] = index;
  }
  return closers;
}
