// Where the spec (its schemas and vectors) is: every test that reads it asks here and says what it used.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { env } from 'node:process';

export interface Spec {
  /** The folder that holds `vectors/`, and in the full spec `openapi/` and the rest. */
  readonly folder: string;
  /** `sample`: a few rows of each file kept in this repository. */
  readonly origin: 'CARILLON_SPEC' | 'shared' | 'sample';
}

const repository = resolve(import.meta.dirname, '..');

/** Finds the spec: `CARILLON_SPEC`, else `../shared/spec` beside the repository, else the sample. */
export function findSpec(): Spec {
  const named = env['CARILLON_SPEC'];
  if (named) {
    if (!existsSync(resolve(named, 'vectors'))) throw new Error(`CARILLON_SPEC has no vectors folder: ${named}`);
    return { folder: resolve(named), origin: 'CARILLON_SPEC' };
  }
  const shared = resolve(repository, '../shared/spec');
  if (existsSync(resolve(shared, 'vectors'))) return { folder: shared, origin: 'shared' };
  return { folder: resolve(repository, 'test/spec-sample'), origin: 'sample' };
}
