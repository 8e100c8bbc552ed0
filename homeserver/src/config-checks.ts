// What a schema cannot say about the configuration: grammar of names and addresses, and settings that do not go together.
import { findRoomVersion } from '@carillon/event-graph/room-version.ts';
import { parseHostPort } from '@carillon/platform/config/host-port.ts';
import { compileRanges } from '@carillon/platform/http/client-address.ts';
import { isServerName, isUserId } from '@carillon/protocol/identifiers.ts';
import { registrationFaults } from './accounts/config.ts';
import { accountsSettings, type HomeserverConfig } from './config-slices.ts';

export interface SemanticFault {
  readonly key: string;
  readonly message: string;
}

/** Everything that is wrong with a configuration whose values have the right types. */
export function checkConfig(config: HomeserverConfig): SemanticFault[] {
  return [
    ...serverFaults(config),
    ...listenFaults(config),
    ...urlFaults(config),
    ...federationFaults(config),
    ...limitFaults(config),
    ...registrationFaults(accountsSettings(config).registration).map(splitKey),
  ];
}

function serverFaults({ server, rooms }: HomeserverConfig): SemanticFault[] {
  return [
    ...(isServerName(server.name)
      ? []
      : [
          { key: 'server.name', message: 'must be a domain name or address, with a port if need be, without a scheme' },
        ]),
    ...(findRoomVersion(rooms.default_version) === undefined
      ? [{ key: 'rooms.default_version', message: 'is no room version that this server knows' }]
      : []),
  ];
}

function listenFaults({ listen, outbound }: HomeserverConfig): SemanticFault[] {
  const addresses = (['client', 'federation', 'metrics'] as const).flatMap((key) => {
    const text = listen[key];
    if (text === undefined || parseHostPort(text) !== null) return [];
    return [{ key: `listen.${key}`, message: 'must be host:port, such as 127.0.0.1:8008 or [::1]:8008' }];
  });
  return [
    ...addresses,
    ...rangeFaults('listen.trusted_proxies', listen.trusted_proxies),
    ...rangeFaults('outbound.allow_ranges', outbound.allow_ranges),
  ];
}

function rangeFaults(key: string, ranges: readonly string[]): SemanticFault[] {
  return ranges.flatMap((range) => {
    try {
      compileRanges([range]);
      return [];
    } catch {
      return [{ key, message: `has ${JSON.stringify(range)}, which is no address range such as 10.0.0.0/8` }];
    }
  });
}

function urlFaults({ server, database, redis }: HomeserverConfig): SemanticFault[] {
  const faults = [
    urlFault('server.public_url', server.public_url, ['https:', 'http:']),
    urlFault('database.url', database.url, ['postgres:', 'postgresql:', 'socket:']),
    urlFault('redis.url', redis.url, ['redis:', 'rediss:']),
  ].flat();
  const isBase = server.public_url === undefined || !/[?#@]/.test(server.public_url);
  if (!isBase) faults.push({ key: 'server.public_url', message: 'must have no user, query or fragment' });
  return faults;
}

function urlFault(key: string, text: string | undefined, protocols: readonly string[]): SemanticFault[] {
  if (text === undefined || (URL.canParse(text) && protocols.includes(new URL(text).protocol))) return [];
  return [
    { key, message: `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}` },
  ];
}

function federationFaults({ federation }: HomeserverConfig): SemanticFault[] {
  const pair = (federation.tls_cert === undefined) === (federation.tls_key === undefined);
  return [
    ...(pair ? [] : [{ key: 'federation.tls_cert', message: 'and federation.tls_key go together: set both or none' }]),
    ...federation.trusted_key_servers
      .filter((name) => !isServerName(name))
      .map((name) => ({
        key: 'federation.trusted_key_servers',
        message: `has ${JSON.stringify(name)}, which is no server name`,
      })),
  ];
}

function limitFaults({ limits }: HomeserverConfig): SemanticFault[] {
  return limits.exempt
    .filter((userId) => !isUserId(userId))
    .map((userId) => ({ key: 'limits.exempt', message: `has ${JSON.stringify(userId)}, which is no user id` }));
}

/** Features word their faults as `section.key …`. */
function splitKey(sentence: string): SemanticFault {
  const [key = '', ...words] = sentence.split(' ');
  return { key, message: words.join(' ') };
}
