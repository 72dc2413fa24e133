import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { formatComplaint } from './complaint.js';
import { parseResources } from './parse-resources.js';

const folder = join(import.meta.dirname, '..', 'examples');

const read = (kind: string) =>
  readdirSync(join(folder, kind))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => ({ file, text: readFileSync(join(folder, kind, file), 'utf8') }));

describe('examples', () => {
  test.each(read('valid'))('accepts every document of valid/$file', ({ file, text }) => {
    const { resources, complaints } = parseResources(text, file);
    expect(complaints).toEqual([]);
    expect(resources).toHaveLength(text.split('\n---\n').length);
  });

  test.each(read('invalid'))('refuses invalid/$file for exactly the fault it announces', ({ file, text }) => {
    const announced = /^# expect: (?<field>[^ :]+): (?<fragment>.+)\n/.exec(text)?.groups;
    const { resources, complaints } = parseResources(text, file);
    expect(resources).toEqual([]);
    expect(complaints.map((complaint) => complaint.field)).toEqual([announced?.['field']]);
    expect(complaints.map(formatComplaint).join('\n')).toContain(announced?.['fragment']);
  });

  test('there is an example of each kind and of each way to fail', () => {
    expect(read('valid').length).toBeGreaterThanOrEqual(5);
    expect(read('invalid').length).toBeGreaterThanOrEqual(30);
  });
});
