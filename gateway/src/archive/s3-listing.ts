import { ListObjectsV2Command, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { type ObjectItem, type ObjectStore, ObjectStoreError, type ObjectVersion } from './object-store.js';
import type { Call, CallAnswer } from './store-calls.js';

export interface ListingDeps {
  readonly call: Call;
  readonly bucket: string;
  readonly prefix: string;
}

/** Listings of any length, page after page. Names come URL-encoded, because XML cannot carry every name. */
export function createListing({ call, bucket, prefix }: ListingDeps): Pick<ObjectStore, 'list' | 'listVersions'> {
  const root = prefix === '' ? '' : `${prefix}/`;
  const page = (start: string) => ({ Bucket: bucket, Prefix: `${root}${start}`, EncodingType: 'url' as const });
  const toPath = (key: string | undefined, encoding: string | undefined): string | undefined => {
    const plain = encoding === 'url' ? decodeKey(key ?? '') : (key ?? '');
    return plain.startsWith(root) ? plain.slice(root.length) : undefined;
  };

  async function list(start: string): Promise<readonly ObjectItem[]> {
    const items: ObjectItem[] = [];
    let token: string | undefined;
    do {
      const answer = pageOf(
        await call('list', (send) =>
          send(
            new ListObjectsV2Command({ ...page(start), ...(token === undefined ? {} : { ContinuationToken: token }) }),
          ),
        ),
      );
      for (const { Key, Size } of answer.Contents ?? []) {
        const path = toPath(Key, answer.EncodingType);
        if (path !== undefined) items.push({ path, bytes: Size ?? 0 });
      }
      token = nextOf(answer.IsTruncated, answer.NextContinuationToken, token);
    } while (token !== undefined);
    return items;
  }

  async function listVersions(start: string): Promise<readonly ObjectVersion[]> {
    const versions: ObjectVersion[] = [];
    let marker: { readonly KeyMarker: string; readonly VersionIdMarker?: string } | undefined;
    for (;;) {
      const answer = pageOf(
        await call('list versions', (send) => send(new ListObjectVersionsCommand({ ...page(start), ...marker }))),
      );
      const read = (isMarker: boolean) => (found: Found) => {
        const path = toPath(found.Key, answer.EncodingType);
        if (path !== undefined) versions.push(toVersion(path, found, isMarker));
      };
      (answer.Versions ?? []).forEach(read(false));
      (answer.DeleteMarkers ?? []).forEach(read(true));
      if (answer.IsTruncated !== true) return sortVersions(versions);
      const key = answer.EncodingType === 'url' ? decodeKey(answer.NextKeyMarker ?? '') : (answer.NextKeyMarker ?? '');
      if (key === '' || (key === marker?.KeyMarker && answer.NextVersionIdMarker === marker.VersionIdMarker))
        throw new ObjectStoreError('list versions', 'broken', 'EndlessListing');
      marker = {
        KeyMarker: key,
        ...(answer.NextVersionIdMarker ? { VersionIdMarker: answer.NextVersionIdMarker } : {}),
      };
    }
  }

  return { list, listVersions };
}

interface Found {
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly Size?: number | undefined;
  readonly IsLatest?: boolean | undefined;
  readonly LastModified?: Date | undefined;
}

function toVersion(path: string, found: Found, marker: boolean): ObjectVersion {
  return {
    path,
    version: found.VersionId ?? 'null',
    bytes: found.Size ?? 0,
    latest: found.IsLatest === true,
    marker,
    modifiedMs: found.LastModified?.getTime() ?? 0,
  };
}

/** By path, then newest first. A store lists versions of a name newest first, markers apart from them. */
function sortVersions(versions: readonly ObjectVersion[]): readonly ObjectVersion[] {
  const order = (a: ObjectVersion, b: ObjectVersion): number => {
    if (a.path !== b.path) return a.path < b.path ? -1 : 1;
    return Number(b.latest) - Number(a.latest) || b.modifiedMs - a.modifiedMs;
  };
  return versions.toSorted(order);
}

function pageOf<T>(answer: CallAnswer<T>): T {
  if (answer.ok) return answer.value;
  throw new ObjectStoreError('list', 'refused', answer.kind);
}

function nextOf(
  isTruncated: boolean | undefined,
  next: string | undefined,
  last: string | undefined,
): string | undefined {
  if (isTruncated !== true) return undefined;
  if (next === undefined || next === last) throw new ObjectStoreError('list', 'broken', 'EndlessListing');
  return next;
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}
