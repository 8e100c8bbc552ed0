import { describe, expect, it } from 'vitest';
import { ambient } from './rules/ambient.ts';
import { bannedMarks } from './rules/banned-marks.ts';
import { contractsHandled } from './rules/contracts-handled.ts';
import { fileNames } from './rules/file-names.ts';
import { importDirections } from './rules/import-directions.ts';
import { linksResolve } from './rules/links-resolve.ts';
import { namedExports } from './rules/named-exports.ts';
import { noCycles } from './rules/no-cycles.ts';
import { openingComment } from './rules/opening-comment.ts';
import { packageImports } from './rules/package-imports.ts';
import { routesOnly } from './rules/routes-only.ts';
import { sizes } from './rules/sizes.ts';
import { sqlInStores } from './rules/sql-in-stores.ts';
import { tableOwners } from './rules/table-owners.ts';
import { existsInRepository, fixture, type Rule, readRepository } from './source-file.ts';

const rules: Rule[] = [
  importDirections,
  noCycles,
  packageImports,
  ambient,
  sqlInStores,
  tableOwners,
  routesOnly,
  contractsHandled,
  sizes,
  fileNames,
  namedExports,
  openingComment,
  bannedMarks,
  linksResolve,
];

const repository = readRepository();

describe.each(rules)('$name', (rule) => {
  it('holds', () => {
    expect(rule.check(repository, existsInRepository)).toEqual([]);
  });

  it('can fail', () => {
    for (const bad of rule.bad)
      expect(
        rule.check(fixture(bad), () => false),
        JSON.stringify(bad),
      ).not.toEqual([]);
    expect(rule.check(fixture(rule.good), () => false)).toEqual([]);
  });
});
