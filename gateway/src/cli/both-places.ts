import {
  openDirectory,
  parseSegmentFileName,
  type RecordingSource,
  type SourceFile,
  segmentName,
} from '@piste/verifier';

/**
 * A recording of which a part lies in a directory and the rest in its archive, as one: the archive's copy where both have a
 * segment. Listed once; the directory first, so that what moves meanwhile is seen in the archive.
 */
export function openBothPlaces(directory: string, archive: RecordingSource): RecordingSource {
  const local = openDirectory(directory);
  let listing: Promise<ReadonlyMap<string, Place>> | undefined;
  const listed = (): Promise<ReadonlyMap<string, Place>> => {
    listing ??= listBoth(local, archive);
    return listing;
  };
  return Object.freeze({
    label: `${archive.label} and ${directory}`,
    list: async () => [...(await listed()).values()].map(({ file }) => file),
    async read(path: string, from: number, length: number) {
      const { source } = (await listed()).get(path) ?? { source: local };
      return source.read(path, from, length);
    },
    close: () => archive.close(),
  });
}

interface Place {
  readonly file: SourceFile;
  readonly source: RecordingSource;
}

async function listBoth(local: RecordingSource, archive: RecordingSource): Promise<ReadonlyMap<string, Place>> {
  const here = await local.list();
  const places = new Map((await archive.list()).map((file) => [file.path, { file, source: archive }]));
  for (const file of here) {
    if (!places.has(file.path) && !places.has(archivedForm(file.path) ?? ''))
      places.set(file.path, { file, source: local });
  }
  return places;
}

/** The path under which a whole segment's records are archived; undefined for other files. */
function archivedForm(path: string): string | undefined {
  const [ulid = '', name = '', ...rest] = path.split('/');
  const place = rest.length === 0 ? parseSegmentFileName(name) : undefined;
  return place?.form === 'seg' ? `${ulid}/${segmentName(place.segment, 'sfr')}` : undefined;
}
