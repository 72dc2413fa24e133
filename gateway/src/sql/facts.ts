/**
 * A name as Snowflake stores it: unquoted identifiers are upper case, quoted ones exact. Parts that an object does not have
 * are empty: a database has only `database`, a schema no `name`, an account-level object (role, user, warehouse,
 * integration, share, …) only `name`.
 */
export interface ObjectName {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
}

/** A column of a base table (or of a view that could not be looked into). */
export interface ColumnRef {
  readonly object: ObjectName;
  readonly column: string;
  /** What the catalog says of the column; absent where it was not asked. Two references are equal without it. */
  readonly traits?: CatalogColumn;
}

/** Where unqualified names point when the statement is read. */
export interface SessionContext {
  readonly database: string | undefined;
  readonly schema: string | undefined;
  readonly role: string | undefined;
  readonly warehouse: string | undefined;
  /** What earlier statements of the session left behind; absent: nothing is known of it, so nothing of it can be read. */
  readonly facts?: SessionFacts;
}

/** What statements of a session leave behind for later ones. */
export interface SessionFacts {
  /** Session variables by upper-case name: the columns their value may depend on. Variables not listed are unknown. */
  readonly variables: Readonly<Record<string, readonly ColumnRef[]>>;
  /** Results that RESULT_SCAN may read, by the query id the caller was given, newest last. */
  readonly results: readonly EarlierResult[];
}

/** The result of an earlier query of the same session. */
export interface EarlierResult {
  /** As the caller knows it. */
  readonly queryId: string;
  /** As Snowflake knows it: what the canonical text names. */
  readonly upstreamQueryId: string;
  readonly columns: readonly { readonly name: string; readonly sources: readonly ColumnRef[] }[];
  readonly predicate: readonly ColumnRef[];
}

export interface CatalogColumn {
  readonly name: string;
  /** Snowflake's own type word, lower case: `text`, `fixed`, …; `unknown` where it is not told. */
  readonly type: string;
  /** Digits and decimals of `fixed`, characters or bytes of `text` and `binary`, fraction digits of times. */
  readonly precision?: number;
  readonly scale?: number;
  readonly length?: number;
  /** Tags set on the column or inherited from table, schema or database. */
  readonly tags?: readonly ColumnTag[];
  /** Semantic category that Snowflake's classification gave it (its SEMANTIC_CATEGORY tag), upper case. */
  readonly category?: string;
}

export interface ColumnTag {
  /** Full name as stored: DATABASE.SCHEMA.TAG. */
  readonly name: string;
  readonly value: string;
}

/**
 * A table, or a view with the text it was created with. `definition` undefined means the text cannot be read
 * (secure view, missing privilege): nothing behind it can be proven.
 */
export type CatalogObject =
  | { readonly kind: 'table'; readonly columns: readonly CatalogColumn[] }
  | { readonly kind: 'view'; readonly columns: readonly CatalogColumn[]; readonly definition: string | undefined };

/**
 * What is known of the account's objects at this moment. `not-loaded` asks the caller to load the object and analyze
 * again; `absent` is the account's own answer.
 */
export interface Catalog {
  find(name: ObjectName): CatalogObject | 'absent' | 'not-loaded';
  /**
   * Does the value of the user-defined function of this name depend on its arguments alone, and does calling it change
   * nothing and send nothing anywhere? Someone has to have said so; left out: of no function.
   */
  isPureFunction?(name: ObjectName): boolean;
}

/** One output column of a query. */
export interface Output {
  /** The name the result will carry, or undefined where Snowflake derives it from the expression's text. */
  readonly name: string | undefined;
  /** Every base column that can influence the value; where it came through a view, the view's own column as well. */
  readonly sources: readonly ColumnRef[];
  /** The one base column this output is an unchanged copy of, if it is one. */
  readonly direct: ColumnRef | undefined;
}

export interface QueryFacts extends MaskableQuery {
  readonly outputs: readonly Output[];
  /** Base tables and views read, fully qualified, without duplicates. */
  readonly reads: readonly ObjectName[];
  /** Columns that influence which rows come out or in what order (WHERE, ON, GROUP BY, ORDER BY, DISTINCT, …). */
  readonly predicate: readonly ColumnRef[];
  /** Columns that something works on, in the text or in a view behind it: an error's text may quote their values. */
  readonly computed: readonly ColumnRef[];
  /**
   * Of those, columns whose values may show elsewhere than in an output that names them: the statement's own text works on
   * them by something that can fail, or it or a view sorts rows by them in a window, in whose order they tend to come out.
   */
  readonly revealing: readonly ColumnRef[];
}

/** A query's text and the places where it reads tables: all that masking at the source needs. */
export interface MaskableQuery {
  /** Canonical text of the query alone. */
  readonly text: string;
  /** Every table and view in its FROM clauses, in order of appearance; names of common table expressions are none. */
  readonly sources: readonly SourceSite[];
}

/** A table or view in a FROM clause. */
export interface SourceSite {
  readonly object: ObjectName;
  /**
   * Characters [start, end) of the text: the qualified name and what must stay with it (AT, BEFORE), without its alias, which
   * follows. A query in brackets may stand in this place.
   */
  readonly start: number;
  readonly end: number;
  /** All columns of the object, in its own order. */
  readonly columns: readonly CatalogColumn[];
  /** A view's own query, its columns in order those of `columns`; undefined for a table. */
  readonly view: MaskableQuery | undefined;
  /** Why no query in brackets can stand here (`SAMPLE … SEED`, CHANGES, …); undefined where one can. */
  readonly unmaskable: string | undefined;
}

/** What a statement changes in the session when it succeeds. */
export type SessionEffect =
  | {
      readonly kind: 'use';
      readonly what: 'database' | 'schema' | 'role' | 'warehouse' | 'secondary-roles';
      /** Undefined where the name is computed (IDENTIFIER($x), a bind). */
      readonly name: readonly string[] | undefined;
    }
  | { readonly kind: 'alter-session'; readonly set: readonly SessionParameter[]; readonly unset: readonly string[] }
  | {
      readonly kind: 'variable';
      /** Every variable that gets a value gets it from a literal. */
      readonly literal: boolean;
      readonly variables: readonly VariableChange[];
    }
  | { readonly kind: 'transaction' };

/** What SET or UNSET does to one session variable. */
export interface VariableChange {
  /** As stored: upper case unless it was quoted. */
  readonly name: string;
  readonly change: 'set' | 'unset';
  /** Columns the new value may depend on; undefined where that cannot be told, so that the variable counts as unknown. */
  readonly sources: readonly ColumnRef[] | undefined;
}

export interface SessionParameter {
  /** Upper case. */
  readonly name: string;
  /** The literal's value; undefined where it is not a literal. */
  readonly value: string | undefined;
}

/**
 * Class of a statement, from its leading tokens only. Verb and object type joined by `_` for CREATE, CREATE_OR_REPLACE,
 * CREATE_OR_ALTER, ALTER, DROP, UNDROP, EXECUTE and USE (`DROP_DATABASE`, `EXECUTE_TASK`, `USE_SECONDARY_ROLES`,
 * `EXECUTE_IMMEDIATE`); OR REPLACE shows in the class only where it destroys stored rows or files. Otherwise one of SELECT,
 * INSERT, INSERT_OVERWRITE, UPDATE, DELETE, MERGE, CTAS, LOAD, UNLOAD, COPY_FILES, TRUNCATE, COMMENT, GRANT, REVOKE, CALL,
 * SET, UNSET, SHOW, DESCRIBE, EXPLAIN, LIST, REMOVE, PUT, GET, TRANSACTION; and for what is no single known statement
 * EMPTY, MULTI, FLOW, SCRIPT, UNKNOWN.
 */
export type StatementClass = string;

/** One statement that was read whole. */
export interface Facts {
  readonly read: true;
  readonly class: StatementClass;
  /**
   * What is done: `DROP`, `CREATE`, `ALTER`, `USE`, `EXECUTE`, or the class itself where it has no object type. OR REPLACE
   * always shows here (`CREATE_OR_REPLACE` for a view of class CREATE_VIEW). `CREATE OR REPLACE TABLE … AS SELECT` is
   * CREATE_OR_REPLACE with `carriesQuery`, plain `CREATE TABLE … AS SELECT` is CTAS.
   */
  readonly verb: string;
  /** `DATABASE`, `TABLE`, `MASKING_POLICY`, … where the statement is about an object; undefined for GRANT and REVOKE. */
  readonly objectType: string | undefined;
  /**
   * The tokens re-emitted: one line outside strings, no comments, `$$…$$` as `'…'`; in a query table names qualified and
   * quoted, and every alias with AS. This is what is sent. Analysing it gives these facts again.
   */
  readonly canonicalText: string;
  /** Objects the statement names as its target or reads, as far as the class tells where they stand. */
  readonly objects: readonly ObjectName[];
  /** Present exactly for query classes (SELECT). */
  readonly query: QueryFacts | undefined;
  readonly effect: SessionEffect | undefined;
  /**
   * A statement that is not itself a query reads data or may: a query, a subquery, a FROM or USING clause, a CLONE source
   * stands in it, or it defines or runs code (functions, procedures, tasks, pipes, policies). CALL is told by its class.
   */
  readonly carriesQuery: boolean;
  /**
   * The values that leave their place by a statement that is not a query (unload, INSERT … SELECT, CREATE TABLE … AS, CLONE,
   * UPDATE, MERGE, SET from a query, a rename): lineage of what moves, or `unread` where something may move and it could not be
   * traced. Undefined: nothing moves. Outputs are named as the columns they go into where the statement tells; those of
   * UPDATE and MERGE are the assignments and inserted values in order, each without the very column it is assigned to.
   */
  readonly moved: QueryFacts | 'unread' | undefined;
  /**
   * Every word and quoted name of the canonical text, as stored, keywords included, and the names in stage paths: for
   * checks by name where lineage is not computed. What stands in strings is not among them.
   */
  readonly identifiers: readonly string[];
  /** Number of `?` and distinct `:n` placeholders. */
  readonly placeholders: number;
  /** The tables, stages and other objects that receive data by the statement. */
  readonly writes: readonly ObjectName[];
  /** Tables, views and stages it creates for the session only: they hide what had their name before. */
  readonly temporary: readonly ObjectName[];
  /**
   * What an object that is created shows to whoever reads it, without a copy being made (views, streams): lineage of its
   * query, or `unread` where it could not be traced. Undefined: no such object is created.
   */
  readonly defined: QueryFacts | 'unread' | undefined;
  /** For EXPLAIN, the lineage of what is explained. Its answer quotes expressions and literals, and has no rows of tables. */
  readonly explained: QueryFacts | 'unread' | undefined;
  /** Why `moved`, `defined` or `explained` is `unread`, in the words of `Unread.detail`; otherwise undefined. */
  readonly unreadBecause: string | undefined;
}

/** Why a text could not be read. Closed vocabulary: used as metric label and in PISTE-1205. */
export type UnreadKind =
  | 'lexical' // characters or tokens the lexer refuses
  | 'too-large'
  | 'empty'
  | 'several-statements'
  | 'flow' // `->>`
  | 'script' // BEGIN … END, DECLARE
  | 'dynamic' // EXECUTE IMMEDIATE, IDENTIFIER(), TABLE(:x)
  | 'unknown-statement'
  | 'unknown-syntax'
  | 'unknown-object'
  | 'unknown-column'
  | 'ambiguous-column'
  | 'unknown-function'
  | 'unreadable-view'
  | 'unsupported';

export interface Unread {
  readonly read: false;
  readonly class: StatementClass;
  readonly verb: string;
  readonly objectType: string | undefined;
  readonly kind: UnreadKind;
  /** One plain sentence part for the caller, e.g. `PIVOT is not analysed`. Never a literal from the text. */
  readonly detail: string;
  /** The characters of the submitted text at which reading stopped, where one place can be named. */
  readonly span?: { readonly start: number; readonly end: number };
  /** Objects to load before trying again; empty when loading would not help. */
  readonly needs: readonly ObjectName[];
  /** The tokens re-emitted, when the text could be lexed as one statement. Names are not qualified. */
  readonly canonicalText: string | undefined;
  /** Tables a query names, as far as it could be parsed; otherwise empty. */
  readonly objects: readonly ObjectName[];
}

/** The answer of `analyze`. */
export type Analysis = Facts | Unread;
