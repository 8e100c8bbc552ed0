import { readFileSync } from 'node:fs';
import { ConfigError, type ConfigSources, describeConfig } from '@carillon/platform/config.ts';
import { describe, expect, it } from 'vitest';
import { HOME, readHomeserverConfig } from './config.ts';
import { sampleText } from './config-sample.ts';
import { sections } from './config-sections.ts';
import { accountsSettings, rateRules } from './config-slices.ts';

function sources(yaml: string | null, environment: Record<string, string> = {}): ConfigSources {
  return {
    file: yaml === null ? null : { name: 'carillon.yaml', path: '/etc/carillon/carillon.yaml', text: yaml },
    environment,
    folder: '/somewhere',
    home: '/opt/carillon',
    readFile: (path) => {
      if (path !== '/run/secret') throw Object.assign(new Error('no'), { code: 'ENOENT' });
      return 'a-long-random-secret\n';
    },
  };
}

const load = (yaml: string | null, environment: Record<string, string> = {}) =>
  readHomeserverConfig(sources(yaml, environment));

function faultsOf(yaml: string | null, environment: Record<string, string> = {}): string[] {
  try {
    load(yaml, environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ key, message, where }) => `${where}: ${key} ${message}`);
  }
}

describe('the configuration', () => {
  it('has a default for everything', () => {
    const { config, warnings } = load(null);
    expect(config.server).toEqual({ name: 'localhost', data_dir: '/opt/carillon/data' });
    expect(config.listen).toMatchObject({ client: '127.0.0.1:8008', federation: '127.0.0.1:8448' });
    expect(config.rooms.default_version).toBe('12');
    expect(config.messages.unsend_window).toBeNull();
    expect(rateRules(config.limits)['message']).toEqual({ perSecond: 10, burst: 50 });
    expect(accountsSettings(config).registration).toMatchObject({ enabled: false, sharedSecret: null });
    expect(warnings.join()).toContain('server.name');
  });

  it('lets the environment win over the file, key by key', () => {
    const yaml = `
server: { name: file.example, data_dir: ./data }
messages: { unsend_window: 1h }
rooms: { default_version: 11 }
outbound: { allow_ranges: [10.0.0.0/8] }`;
    const { config, warnings } = load(yaml, {
      CARILLON_SERVER__NAME: 'hs1',
      CARILLON_OUTBOUND__ALLOW_RANGES: '127.0.0.0/8, ::1',
      CARILLON_LISTEN__TRUSTED_PROXIES: '["10.0.0.1"]',
      CARILLON_LIMITS__ENABLED: 'false',
      CARILLON_LIMITS__LOGIN: '1/h burst 2',
      CARILLON_APPSERVICES__DIR: 'appservices',
      CARILLON_REDIS__URL: '',
    });
    expect(config.server).toEqual({ name: 'hs1', data_dir: '/etc/carillon/data' });
    expect(config.messages.unsend_window).toBe(3_600_000);
    expect(config.rooms.default_version).toBe('11');
    expect(config.outbound.allow_ranges).toEqual(['127.0.0.0/8', '::1']);
    expect(config.listen.trusted_proxies).toEqual(['10.0.0.1']);
    expect(config.limits).toMatchObject({ enabled: false, login: { perSecond: 1 / 3600, burst: 2 } });
    expect(config.appservices.dir).toBe('/somewhere/appservices');
    expect(config.redis.url).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });

  it('takes every key from the environment', () => {
    const values: Record<string, string> = {
      'server.name': 'a.example',
      'server.public_url': 'https://a.example',
      'database.url': 'postgres://u:p@h/d',
      'redis.url': 'redis://h',
      'rooms.default_version': '9',
      'federation.trusted_key_servers': 'b.example',
      'limits.exempt': '@a:a.example',
      'listen.client': 'h:1',
      'listen.federation': 'h:2',
      'listen.metrics': 'h:3',
      'registration.shared_secret': 'long-enough-secret',
      'log.level': 'debug',
      'log.format': 'json',
      'accounts.hash_cost': 'low',
      'outbound.allow_ranges': '10.0.0.1',
      'listen.trusted_proxies': '10.0.0.2',
      'messages.unsend_window': '7s',
      'voip.turn_uris': 'turn:turn.example',
    };
    for (const [section, schema] of Object.entries(sections)) {
      for (const [key, shape] of Object.entries(schema.properties)) {
        const type = (shape as { type?: string; reads?: string }).reads ?? (shape as { type?: string }).type;
        const texts = { boolean: 'true', rate: '7/s burst 7', path: '/x', integer: '7', string: 'x', size: '7 MB' };
        const fallback = { ...texts, duration: '7s' }[type ?? ''];
        values[`${section}.${key}`] ??= fallback ?? '';
      }
    }
    const environment = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [`CARILLON_${key.replace('.', '__').toUpperCase()}`, value]),
    );
    expect(Object.entries(values).filter(([, value]) => value === '')).toEqual([]);
    const { origins } = load(null, environment);
    expect(origins.size).toBe(Object.keys(values).length);
  });

  it('reads secrets from files and never shows them', () => {
    const fromFile = load('registration: { shared_secret_file: /run/secret }', {
      CARILLON_DATABASE__URL: 'postgres://u:hunter2@h/d',
    });
    expect(fromFile.config.registration.shared_secret).toBe('a-long-random-secret');
    expect(
      load(null, { CARILLON_REGISTRATION__SHARED_SECRET_FILE: '/run/secret' }).config.registration.shared_secret,
    ).toBe('a-long-random-secret');
    const shown = describeConfig(sections, { ...fromFile, faults: [] });
    expect(shown).not.toMatch(/hunter2|a-long-random/);
    expect(shown).toContain('registration.shared_secret: [hidden]  # carillon.yaml:1');
  });

  it('says everything that is wrong at once, with its place', () => {
    const yaml = `server:
  name: https://x
  data_dri: /x
lisen: {client: a}
listen:
  client: nowhere
  trusted_proxies: [10.0.0.0/40]
log: {level: loud}
rooms: {default_version: 99}
messages: {unsend_window: soon}
registration: {enabled: true, shared_secret_file: /missing}
federation: {tls_cert: a.pem}
limits: {message: 5 per second}
database: {url: mysql://x}`;
    const faults = faultsOf(yaml, {
      CARILLON_LIMITS__ENABLED: 'maybe',
      CARILLON_LISTEN_CLIENT: 'x:1',
      CARILLON_FOO__BAR: '1',
      CARILLON_SPEC: 'x',
    });
    expect(faults.sort()).toEqual(
      [
        'carillon.yaml:2: server.name must be a domain name or address, with a port if need be, without a scheme',
        'carillon.yaml:3: server.data_dri is unknown: did you mean server.data_dir?',
        'carillon.yaml:4: lisen is no section: did you mean listen?',
        'carillon.yaml:6: listen.client must be host:port, such as 127.0.0.1:8008 or [::1]:8008',
        'carillon.yaml:7: listen.trusted_proxies has "10.0.0.0/40", which is no address range such as 10.0.0.0/8',
        'carillon.yaml:8: log.level must be one of debug, info, warn, error',
        'carillon.yaml:9: rooms.default_version is no room version that this server knows',
        'carillon.yaml:10: messages.unsend_window must be a duration such as 90s, 5m, 1h or 2d, or none',
        'carillon.yaml:11: registration.enabled lets anyone in without a check: set registration.require_token, or registration.allow_open if that is meant',
        'carillon.yaml:11: registration.shared_secret names a file that cannot be read (ENOENT)',
        'carillon.yaml:12: federation.tls_cert and federation.tls_key go together: set both or none',
        'carillon.yaml:13: limits.message must be a rate such as 10/s burst 50 (or /min, /h)',
        'carillon.yaml:14: database.url must be a URL that begins with postgres:// or postgresql:// or socket://',
        'CARILLON_LIMITS__ENABLED: limits.enabled must be true or false',
        'CARILLON_LISTEN_CLIENT:  sets nothing: did you mean CARILLON_LISTEN__CLIENT?',
        `CARILLON_FOO__BAR: foo is no section; there are ${Object.keys(sections).join(', ')}`,
      ].sort(),
    );
  });

  it.each([
    ['server: {name: a}\nserver: {name: b}', 'unique'],
    ['server:\n  name: a\n  name: b', 'unique'],
    ['- a', 'must be sections'],
    ['server: 5', 'must be a section'],
    ['server: {name: [}', 'carillon.yaml:1'],
    ['server: {name: 5}', 'must be string'],
    ['server: {__proto__: 5}', 'unknown'],
    ['__proto__: {a: 5}', 'no section'],
    ['registration: {shared_secret: changeme}', 'well-known example'],
    ['registration: {shared_secret: a-b-c-d-e-f, shared_secret_file: /run/secret}', 'set already'],
    ['server: {enabled: true}', 'did you mean registration.enabled'],
    ['messages: {unsend_window: -5}', 'duration'],
  ])('refuses %s', (yaml, message) => {
    expect(faultsOf(yaml).join('\n')).toContain(message);
  });

  it('takes an empty file and empty sections', () => {
    expect(faultsOf('')).toEqual([]);
    expect(faultsOf('# nothing\nserver:\nlog: {}')).toEqual([]);
  });
});

it('keeps docs/carillon.sample.yaml current (npm run config:sample) and loadable', () => {
  expect(readFileSync(`${HOME}/docs/carillon.sample.yaml`, 'utf8')).toBe(sampleText());
  const uncommented = sampleText().replace(/^ {2}#(\w+:)(.*)$/gm, (line, key: string, value: string) =>
    value === '' ? line : `  ${key}${value}`,
  );
  expect(faultsOf(uncommented)).toEqual([]);
});
