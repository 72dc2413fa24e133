import { expect, test } from '@jest/globals';
import { isAskedByName } from './loopback.js';

test.each([
  ['127.0.0.1:4711', '127.0.0.1', true],
  ['localhost:4711', '::ffff:127.0.0.1', true],
  ['LOCALHOST', '127.0.0.1', true],
  ['[::1]:4711', '::1', true],
  ['evil.example:4711', '127.0.0.1', false],
  ['127.0.0.1.evil.example', '127.0.0.1', false],
  ['localhost.evil.example:80', '::1', false],
  ['[::1].evil.example', '::1', false],
  [undefined, '127.0.0.1', false],
  ['replay.example', '10.0.0.7', true],
])('a host %s at %s is asked by its name: %s', (host, address, expected) => {
  expect(isAskedByName(host, address)).toBe(expected);
});
