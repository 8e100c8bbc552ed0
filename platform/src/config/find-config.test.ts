import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ConfigError } from '../config.ts';
import { findConfig } from './find-config.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-config-'));
afterAll(() => rmSync(root, { recursive: true }));

for (const folder of ['home', 'instance', 'bare']) mkdirSync(join(root, folder));
for (const file of ['home/carillon.yaml', 'instance/carillon.yaml', 'named.yaml', 'other.yaml']) {
  writeFileSync(join(root, file), `# ${file}`);
}
const home = join(root, 'home');
const textOf = (argv: string[], environment: Record<string, string> = {}, where = home) =>
  findConfig({ argv, environment: { INIT_CWD: root, ...environment }, home: where }).file?.text;

it('takes the command line before the environment, then the data folder, then home', () => {
  const named = { CARILLON_CONFIG: 'other.yaml' };
  const data = { CARILLON_SERVER__DATA_DIR: './instance/data' };
  expect(textOf(['--config', 'named.yaml'], { ...named, ...data })).toBe('# named.yaml');
  expect(textOf([`--config=${join(root, 'named.yaml')}`])).toBe('# named.yaml');
  expect(textOf([], { ...named, ...data })).toBe('# other.yaml');
  expect(textOf([], data)).toBe('# instance/carillon.yaml');
  expect(textOf([])).toBe('# home/carillon.yaml');
  expect(textOf([], {}, join(root, 'bare'))).toBeUndefined();
});

it('says which file is not there, or that none was named', () => {
  expect(() => textOf(['--config', 'missing.yaml'])).toThrow(/missing\.yaml: cannot be read \(ENOENT\)/);
  expect(() => textOf(['--config'])).toThrow(ConfigError);
  expect(() => textOf([], { CARILLON_CONFIG: root })).toThrow('EISDIR');
});
