// The configuration: sections with schemas, one YAML file, environment variables for every key, all faults at once.
import { dirname } from 'node:path';
import type { Static, TObject, TSchema } from 'typebox';
import { readEnvironment } from './config/config-environment.ts';
import { readConfigFile } from './config/config-file.ts';
import type { KeySchema, Sections } from './config/config-schema.ts';
import { nearest } from './config/edit-distance.ts';
import { type Read, readNode, readText } from './config/read-value.ts';
import { isSecretName } from './log-scrub.ts';

export type ConfigOf<S extends Sections> = { readonly [Name in keyof S]: Readonly<Static<S[Name]>> };

export interface ConfigFault {
  /** `section.key`, or empty where the fault has none. */
  readonly key: string;
  readonly message: string;
  /** `carillon.yaml:12`, a variable's name, or `default`. */
  readonly where: string;
}

/** What is wrong with a configuration, all of it. The message lists every fault on a line of its own. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];
  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map(({ key, message, where }) => `  ${where}: ${key === '' ? '' : `${key} `}${message}`);
    super(`the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${lines.join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

export interface ConfigSources {
  /** `name` is shown, `text` is read; paths in it are relative to `path`'s folder. */
  readonly file: { readonly name: string; readonly path: string; readonly text: string } | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Paths in variables are relative to this. */
  readonly folder: string;
  /** Paths in defaults are relative to this. */
  readonly home: string;
  /** Reads what a `…_file` key points to. */
  readonly readFile: (path: string) => string;
}

export interface ReadConfig<S extends Sections> {
  /** Faulty keys hold their defaults. */
  readonly config: ConfigOf<S>;
  readonly faults: ConfigFault[];
  /** Where a `section.key` was set; absent for defaults. */
  readonly origins: ReadonlyMap<string, string>;
}

interface Reader {
  readonly sections: Sections;
  readonly sources: ConfigSources;
  readonly values: Map<string, unknown>;
  readonly origins: Map<string, string>;
  readonly faults: ConfigFault[];
}

/** Reads the file, then the environment over it, then defaults under both. Never throws for what an operator wrote. */
export function readConfig<S extends Sections>(sections: S, sources: ConfigSources): ReadConfig<S> {
  const reader: Reader = { sections, sources, values: new Map(), origins: new Map(), faults: [] };
  readFileEntries(reader);
  readEnvironmentEntries(reader);
  const config: Record<string, Record<string, unknown>> = {};
  for (const [section, schema] of Object.entries(sections)) {
    config[section] = Object.fromEntries(
      Object.entries(schema.properties).flatMap(([key, keySchema]) => {
        const value = settingOf(reader, `${section}.${key}`, keySchema);
        return value === undefined ? [] : [[key, value]];
      }),
    );
  }
  // Every value was checked against its key's schema, or is that schema's default.
  return { config: config as ConfigOf<S>, faults: reader.faults, origins: reader.origins };
}

function settingOf(reader: Reader, name: string, schema: TSchema): unknown {
  if (reader.values.has(name)) return reader.values.get(name);
  const { default: fallback } = schema as KeySchema;
  if (fallback === undefined) return undefined;
  const read = readNode(fallback, schema, reader.sources.home);
  if ('fault' in read) throw new Error(`the default of ${name} ${read.fault}`);
  return read.value;
}

function readFileEntries(reader: Reader): void {
  const { file } = reader.sources;
  if (file === null) return;
  const { entries, faults } = readConfigFile(file.name, file.text);
  for (const { message, where } of faults) reader.faults.push({ key: '', message, where });
  const folder = dirname(file.path);
  for (const { section, key, value, where } of entries) {
    accept(reader, { section, key, where, folder, read: (schema) => readNode(value, schema, folder), path: value });
  }
}

function readEnvironmentEntries(reader: Reader): void {
  const { environment, folder } = reader.sources;
  const { entries, slips } = readEnvironment(environment, keysOf(reader.sections));
  for (const { variable, meant } of slips) {
    reader.faults.push({ key: '', message: `sets nothing: did you mean ${meant}?`, where: variable });
  }
  // Sorted, so that a key is read before its `…_file` form.
  for (const { section, key, text, where } of entries.sort((a, b) => (a.where < b.where ? -1 : 1))) {
    accept(reader, { section, key, where, folder, read: (schema) => readText(text, schema, folder), path: text });
  }
}

interface Setting {
  readonly section: string;
  readonly key: string;
  readonly where: string;
  readonly folder: string;
  readonly read: (schema: TSchema) => Read;
  /** What was written: a path, where the key turns out to be a `…_file`. */
  readonly path: unknown;
}

function accept(reader: Reader, setting: Setting): void {
  const { section, key, where } = setting;
  const schema = own(reader.sections, section);
  if (schema === undefined) {
    reader.faults.push({ key: section, message: `is no section${hint(section, Object.keys(reader.sections))}`, where });
    return;
  }
  const keySchema = own(schema.properties, key);
  if (keySchema !== undefined) {
    store(reader, `${section}.${key}`, where, setting.read(keySchema));
    return;
  }
  const target = key.endsWith('_file') ? key.slice(0, -'_file'.length) : '';
  const targetSchema = own(schema.properties, target);
  if (targetSchema !== undefined && isSecretKey(target, targetSchema)) {
    store(reader, `${section}.${target}`, where, readFromFile(reader, setting, targetSchema));
    return;
  }
  reader.faults.push({
    key: `${section}.${key}`,
    message: `is unknown${meantKey(reader.sections, section, key)}`,
    where,
  });
}

function store({ values, origins, faults }: Reader, name: string, where: string, read: Read): void {
  const earlier = origins.get(name);
  // The environment may overrule the file, but one source may not say a thing twice.
  if (earlier !== undefined && earlier.includes(':') === where.includes(':')) {
    faults.push({ key: name, message: `is set already by ${earlier}`, where });
    return;
  }
  origins.set(name, where);
  values.delete(name);
  if ('fault' in read) faults.push({ key: name, message: read.fault, where });
  else values.set(name, read.value);
}

function readFromFile({ sources }: Reader, setting: Setting, schema: TSchema): Read {
  const path = readNode(setting.path, { type: 'string', reads: 'path' } as TSchema, setting.folder);
  if ('fault' in path) return path;
  try {
    return readText(sources.readFile(String(path.value)).replace(/\r?\n$/, ''), schema, setting.folder);
  } catch (error) {
    return { fault: `names a file that cannot be read (${(error as { code?: string }).code ?? 'unknown'})` };
  }
}

/** Whether a key's value is shown to nobody. */
export function isSecretKey(key: string, schema: TSchema): boolean {
  return (schema as KeySchema).secret === true || isSecretName(key);
}

export function keysOf(sections: Sections): [section: string, key: string][] {
  return Object.entries(sections).flatMap(([section, schema]) =>
    Object.keys(schema.properties).map((key): [string, string] => [section, key]),
  );
}

function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function hint(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? `; there are ${known.join(', ')}` : `: did you mean ${near}?`;
}

/** The same section's nearest key, or the same key in another section. */
function meantKey(sections: Sections, section: string, key: string): string {
  const inSection = Object.keys((sections[section] as TObject).properties);
  const elsewhere = keysOf(sections).find(([other, name]) => name === key && other !== section);
  const near = nearest(key, inSection);
  if (near !== undefined) return `: did you mean ${section}.${near}?`;
  if (elsewhere !== undefined) return `: did you mean ${elsewhere.join('.')}?`;
  return `; ${section} has ${inSection.join(', ')}`;
}

/** The configuration as `section.key: value` lines with its secrets hidden, and where each was set. */
export function describeConfig(sections: Sections, { config, origins }: ReadConfig<Sections>): string {
  return keysOf(sections)
    .map(([section, key]) => {
      const schema = sections[section]?.properties[key];
      const value = config[section]?.[key as never] as unknown;
      const isHidden = schema !== undefined && isSecretKey(key, schema) && value !== undefined && value !== '';
      const shown = isHidden ? '[hidden]' : value === undefined ? '(none)' : JSON.stringify(value);
      return `${section}.${key}: ${shown}  # ${origins.get(`${section}.${key}`) ?? 'default'}`;
    })
    .join('\n');
}
