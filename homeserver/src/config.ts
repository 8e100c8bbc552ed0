// The homeserver's configuration: read, checked as a whole, handed out in slices.
import { join } from 'node:path';
import { type ConfigPlace, findConfig } from '@carillon/platform/config/find-config.ts';
import { ConfigError, type ConfigFault, type ConfigSources, readConfig } from '@carillon/platform/config.ts';
import { checkConfig } from './config-checks.ts';
import { sections } from './config-sections.ts';
import type { HomeserverConfig } from './config-slices.ts';

export interface LoadedConfig {
  readonly config: HomeserverConfig;
  /** Sentences for the operator about settings that work but had better be thought about. */
  readonly warnings: readonly string[];
  /** Where a `section.key` was set; absent for defaults. */
  readonly origins: ReadonlyMap<string, string>;
}

/** The checkout: where `carillon.yaml` and `data` are when nothing else is said. */
export const HOME = join(import.meta.dirname, '..', '..');

/** Finds, reads and checks the configuration of this process. Throws ConfigError with all faults at once. */
export function loadConfig({ home = HOME, ...place }: Partial<ConfigPlace> = {}): LoadedConfig {
  return readHomeserverConfig(findConfig({ argv: process.argv.slice(2), ...place, home }));
}

/** Like loadConfig, from given sources. */
export function readHomeserverConfig(sources: ConfigSources): LoadedConfig {
  const { config, faults, origins } = readConfig(sections, sources);
  const faulty = new Set(faults.map(({ key }) => key));
  const semantic = checkConfig(config)
    .filter(({ key }) => !faulty.has(key))
    .map(({ key, message }): ConfigFault => ({ key, message, where: origins.get(key) ?? 'default' }));
  if (faults.length + semantic.length > 0) throw new ConfigError([...faults, ...semantic]);
  return { config, origins, warnings: warningsOf(config, origins) };
}

function warningsOf(
  { server, redis, federation, limits }: HomeserverConfig,
  origins: ReadonlyMap<string, string>,
): string[] {
  return [
    ...(origins.has('server.name')
      ? []
      : [
          `server.name is not set: this server calls itself ${server.name}. Accounts and rooms made now keep that name for ever; set CARILLON_SERVER__NAME or server.name before you invite anyone`,
        ]),
    ...(federation.verify_tls ? [] : ['federation.verify_tls is off: anyone on the way can pose as another server']),
    ...(redis.url === undefined ? [] : ['redis.url is set, but this version runs as one process and does not use it']),
    ...(limits.enabled ? [] : ['limits.enabled is off: nothing slows down those who guess or flood']),
  ];
}
