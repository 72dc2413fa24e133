import type { FakeBucket, StoredVersion } from './fake-bucket.js';

const PAGE = 50;

/** Answers of the two listings, in pages small enough that a test meets more than one. */
export function listObjects(bucket: FakeBucket, name: string, query: URLSearchParams): string {
  const after = query.get('continuation-token') ?? '';
  const all = bucket
    .keys()
    .filter((key) => key.startsWith(query.get('prefix') ?? '') && bucket.current(key) !== undefined && key > after);
  const page = all.slice(0, PAGE);
  const isTruncated = all.length > page.length;
  const contents = page.map((key) => {
    const stored = bucket.current(key);
    return `<Contents><Key>${encode(key, query)}</Key>${describe(stored)}<Size>${stored?.bytes.length ?? 0}</Size></Contents>`;
  });
  const next = isTruncated ? `<NextContinuationToken>${escapeXml(page.at(-1) ?? '')}</NextContinuationToken>` : '';
  return `<ListBucketResult>${heading(name, query, isTruncated)}${next}<KeyCount>${page.length}</KeyCount>${contents.join('')}</ListBucketResult>`;
}

export function listObjectVersions(bucket: FakeBucket, name: string, query: URLSearchParams): string {
  const after = query.get('key-marker') ?? '';
  const all = bucket.keys().filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after);
  const page = all.slice(0, PAGE);
  const isTruncated = all.length > page.length;
  const lines = page.flatMap((key) =>
    bucket.versions(key).map((stored, index) => {
      const common = `<Key>${encode(key, query)}</Key><VersionId>${stored.version}</VersionId><IsLatest>${index === 0}</IsLatest>`;
      return stored.marker
        ? `<DeleteMarker>${common}${describe(stored)}</DeleteMarker>`
        : `<Version>${common}${describe(stored)}<Size>${stored.bytes.length}</Size></Version>`;
    }),
  );
  const next = isTruncated ? `<NextKeyMarker>${encode(page.at(-1) ?? '', query)}</NextKeyMarker>` : '';
  return `<ListVersionsResult>${heading(name, query, isTruncated)}${next}${lines.join('')}</ListVersionsResult>`;
}

function heading(name: string, query: URLSearchParams, isTruncated: boolean): string {
  const encoding = query.get('encoding-type') === 'url' ? '<EncodingType>url</EncodingType>' : '';
  return `<Name>${name}</Name><MaxKeys>${PAGE}</MaxKeys><IsTruncated>${isTruncated}</IsTruncated>${encoding}`;
}

function describe(stored: StoredVersion | undefined): string {
  const etag = stored === undefined || stored.marker ? '' : `<ETag>${escapeXml(stored.etag)}</ETag>`;
  return `<LastModified>${new Date(stored?.modifiedMs ?? 0).toISOString()}</LastModified>${etag}`;
}

function encode(key: string, query: URLSearchParams): string {
  return query.get('encoding-type') === 'url'
    ? encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
    : escapeXml(key);
}

export function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
