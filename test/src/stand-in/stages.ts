import { createHash } from 'node:crypto';
import type { Catalog, Stage } from './catalog.js';
import { type Cell, column, counterTable, type Table, textTable } from './columns.js';
import type { Execution } from './execution.js';
import { missingObject, syntaxError } from './failures.js';
import { isToken, lex, type Token } from './lexer.js';
import { completeName, nameKey, readName } from './names.js';
import { toJsonCell } from './results-json.js';
import type { Session } from './sessions.js';

type Location = { readonly stage: Stage; readonly path: string; readonly shown: string };

/** Resolves `@stage/path`, `@db.schema.stage/path`, `@~/path` and `@%table/path`. @throws SnowflakeFailure 002003 */
function locate(token: Token | undefined, session: Session, catalog: Catalog): Location {
  if (token?.kind !== 'stage') throw syntaxError(token?.text ?? '<EOF>');
  const [, reference = '', path = ''] = /^@([^/]*)\/?(.*)$/.exec(token.text) ?? [];
  if (reference === '~' || reference.startsWith('%')) {
    const key = `${session.user}.${reference.toUpperCase()}`;
    const name = { database: '', schema: '', name: key };
    return { stage: catalog.stages.get(nameKey(name)) ?? catalog.createStage(name), path, shown: '' };
  }
  const name = completeName(session, readName(lex(reference), 0).parts);
  const stage = catalog.stages.get(nameKey(name));
  if (stage === undefined) throw missingObject('Stage', nameKey(name));
  return { stage, path, shown: `${name.name.toLowerCase()}/` };
}

/** COPY INTO @stage FROM table or (query): writes one CSV file and answers with the unload counters. */
export async function unload(
  tokens: readonly Token[],
  execution: Execution,
  query: (tokens: readonly Token[], execution: Execution) => Promise<Table>,
): Promise<Table> {
  const counters = (rows: number, bytes: number) =>
    counterTable({ rows_unloaded: rows, input_bytes: bytes, output_bytes: bytes });
  if (execution.describeOnly) return counters(0, 0);
  const { stage, path } = locate(tokens[2], execution.session, execution.catalog);
  if (!isToken(tokens[3], 'FROM')) throw syntaxError(tokens[3]?.text ?? '<EOF>');
  const table = await query(source(tokens.slice(4)), execution);
  const lines = table.rows.map((row) =>
    row
      .map((cell, index) =>
        csvField(table.columns[index] === undefined ? null : toJsonCell(cell, table.columns[index])),
      )
      .join(','),
  );
  const file = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  stage.files.set(path === '' || path.endsWith('/') ? `${path}data_0_0_0.csv` : path, file);
  return counters(table.rows.length, file.length);
}

function source(tokens: readonly Token[]): readonly Token[] {
  if (!isToken(tokens[0], '(')) {
    const { parts, next } = readName(tokens, 0);
    if (parts.length === 0) throw syntaxError(tokens[0]?.text ?? '<EOF>');
    return [
      ...lex('SELECT * FROM '),
      ...tokens.slice(0, next).map((token, index) => ({ ...token, spaced: index === 0 })),
    ];
  }
  let depth = 0;
  const end = tokens.findIndex((token) => {
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    return depth === 0;
  });
  return tokens.slice(1, end);
}

function csvField(value: string | null): string {
  if (value === null) return '\\N';
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** LIST @stage. */
export function listFiles(tokens: readonly Token[], session: Session, catalog: Catalog): Table {
  const { stage, path, shown } = locate(tokens[1], session, catalog);
  const rows = [...stage.files]
    .filter(([name]) => name.startsWith(path))
    .map(([name, file]): Cell[] => [
      `${shown}${name}`,
      BigInt(file.length),
      createHash('md5').update(file).digest('hex'),
      new Date(stage.createdOn).toUTCString(),
    ]);
  return {
    columns: [column('name', 'text'), column('size', 'fixed'), column('md5', 'text'), column('last_modified', 'text')],
    rows,
  };
}

/** REMOVE @stage/path. */
export function removeFiles(tokens: readonly Token[], session: Session, catalog: Catalog): Table {
  const { stage, path, shown } = locate(tokens[1], session, catalog);
  const names = [...stage.files.keys()].filter((name) => name.startsWith(path));
  for (const name of names) stage.files.delete(name);
  return textTable(
    ['name', 'result'],
    names.map((name) => [`${shown}${name}`, 'removed']),
  );
}

/**
 * The fields of a PUT or GET answer for an S3 stage (protocol notes 6.2), so that an intermediary can be tested for
 * letting them through. All credentials are invented; the bucket does not exist.
 */
export function transferAnswer(
  tokens: readonly Token[],
  kind: 'put' | 'get',
  queryId: string,
): Readonly<Record<string, unknown>> {
  const local = /file:\/\/([^\s']+)/i.exec(tokens.map((token) => token.text).join(''))?.[1] ?? '';
  const isPut = kind === 'put';
  const material = { queryStageMasterKey: 'c3RhbmQtaW4tc3RhZ2Uta2V5IQ==', queryId, smkId: 92_019_681_909_886 };
  const stageInfo = {
    locationType: 'S3',
    location: 'stand-in-bucket/stages/1/',
    path: 'stages/1/',
    region: 'eu-central-1',
    storageAccount: null,
    isClientSideEncrypted: true,
    useS3RegionalUrl: false,
    endPoint: null,
    presignedUrl: null,
    creds: { AWS_KEY_ID: 'STANDINKEYID', AWS_SECRET_KEY: 'stand-in-secret-key', AWS_TOKEN: 'stand-in-session-token' },
  };
  return {
    command: isPut ? 'UPLOAD' : 'DOWNLOAD',
    operation: 'Node',
    src_locations: [isPut ? `/${local.replace(/^\/+/, '')}` : 'data_0_0_0.csv'],
    parallel: 4,
    threshold: 209_715_200,
    autoCompress: true,
    overwrite: false,
    sourceCompression: 'auto_detect',
    clientShowEncryptionParameter: true,
    encryptionMaterial: isPut ? material : [material],
    stageInfo,
    uploadInfo: stageInfo,
    ...(isPut
      ? {}
      : {
          localLocation: `/${local.replace(/^\/+/, '')}`,
          presignedUrls: ['https://stand-in-bucket.s3.amazonaws.com/stages/1/data_0_0_0.csv?X-Amz-Signature=stand-in'],
        }),
  };
}
