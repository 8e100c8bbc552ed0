// All vectors of the spec, as a test of the project. CI must have the full spec, not the sample.
import { join } from 'node:path';
import { env } from 'node:process';
import { describe, expect, test } from 'vitest';
import { findSpec } from '../spec.ts';
import { runFolder } from './run-vectors.ts';

const spec = findSpec();
const sample = join(import.meta.dirname, '../spec-sample/vectors');

describe('vectors', () => {
  test(`the spec's vectors pass (${spec.origin})`, () => {
    console.info(`vectors: the spec is ${spec.origin}`);
    const result = runFolder(join(spec.folder, 'vectors'));
    expect(result.failures).toEqual([]);
    expect(result.passed).toBeGreaterThan(0);
  });

  test.runIf(env['CI'] === 'true')('CI uses the full spec', () => {
    expect(spec.origin).not.toBe('sample');
  });

  test('the sample kept here passes and has every format', () => {
    const result = runFolder(sample);
    expect(result.failures).toEqual([]);
    expect(result.unknown).toEqual([]);
  });

  test('a folder without vectors is an error', () => {
    expect(() => runFolder(import.meta.dirname)).toThrow('known vector format');
  });
});
