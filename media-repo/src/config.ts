// The media repository's configuration: its own section and those that all processes share, from the same places.
import { join } from 'node:path';
import { rate } from '@carillon/platform/config/config-schema.ts';
import { findConfig } from '@carillon/platform/config/find-config.ts';
import { mediaConfig } from '@carillon/platform/config/media-section.ts';
import { databaseConfig, logConfig, outboundConfig, serverConfig } from '@carillon/platform/config/shared-sections.ts';
import { ConfigError, type ConfigOf, type ConfigSources, readConfig } from '@carillon/platform/config.ts';
import { compileRanges } from '@carillon/platform/http/client-address.ts';
import { isServerName } from '@carillon/protocol/identifiers.ts';
import { Type } from 'typebox';

/** Of these the homeserver has more keys than are needed here; it is the one that checks them all. */
const borrowed = {
  limits: Type.Object({
    enabled: Type.Boolean({ default: true }),
    exempt: Type.Array(Type.String(), { default: [] }),
    address: rate({ default: '200/s burst 2000', description: 'Requests of any kind from one address (or IPv6 /64).' }),
  }),
  listen: Type.Object({
    trusted_proxies: Type.Array(Type.String(), { default: ['127.0.0.0/8', '::1/128'] }),
  }),
};

const sections = {
  server: serverConfig,
  database: databaseConfig,
  outbound: outboundConfig,
  log: logConfig,
  media: mediaConfig,
  ...borrowed,
} as const;

export type MediaConfig = ConfigOf<typeof sections>;
export type MediaSettings = MediaConfig['media'];

const HOME = join(import.meta.dirname, '..', '..');

/** Finds, reads and checks it. Throws ConfigError with all faults at once. */
export function loadConfig(): MediaConfig {
  return readMediaConfig(findConfig({ argv: process.argv.slice(2), home: HOME }));
}

/** Like loadConfig, from given sources. */
export function readMediaConfig(sources: ConfigSources): MediaConfig {
  const { config, faults, origins } = readConfig(sections, sources);
  const ours = faults.filter(({ key, where, message }) => {
    if (key === '') return !where.startsWith('CARILLON_');
    const [section = ''] = key.split('.');
    return section in sections && !(section in borrowed && message.startsWith('is unknown'));
  });
  const semantic = checkMedia(config).map(({ key, message }) => ({
    key,
    message,
    where: origins.get(key) ?? 'default',
  }));
  if (ours.length + semantic.length > 0) throw new ConfigError([...ours, ...semantic]);
  return config;
}

function checkMedia({ server, media, outbound }: MediaConfig): { key: string; message: string }[] {
  const faults: { key: string; message: string }[] = [];
  const check = (key: string, isRight: boolean, message: string) => {
    if (!isRight) faults.push({ key, message });
  };
  const isUrl = (text: string | undefined) => text === undefined || /^https?:\/\/[^/\s]+/.test(text);
  check('server.name', isServerName(server.name), 'must be a server name');
  check('media.url', isUrl(media.url), 'must be a URL');
  check('media.homeserver_url', isUrl(media.homeserver_url), 'must be a URL');
  check('media.s3_endpoint', isUrl(media.s3_endpoint), 'must be a URL');
  check('media.scan_url', isUrl(media.scan_url), 'must be a URL');
  check('media.token_key', (media.token_key ?? '').length >= 32 || !media.token_key, 'must have 32 characters or more');
  const isTime = media.legacy_until === undefined || !Number.isNaN(Date.parse(media.legacy_until));
  check('media.legacy_until', isTime, 'must be a time such as 2025-01-01T00:00:00Z');
  for (const range of outbound.allow_ranges) check('outbound.allow_ranges', isRange(range), 'has no address range');
  return faults;
}

function isRange(range: string): boolean {
  try {
    compileRanges([range]);
    return true;
  } catch {
    return false;
  }
}
