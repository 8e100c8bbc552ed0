// Every section of the configuration with its keys, their defaults and what they are for.
import { name, optionalDuration, path, rate, secret } from '@carillon/platform/config/config-schema.ts';
import { mediaConfig } from '@carillon/platform/config/media-section.ts';
import { databaseConfig, logConfig, outboundConfig, serverConfig } from '@carillon/platform/config/shared-sections.ts';
import { Type } from 'typebox';
import { accountsConfig, registrationConfig } from './accounts/config.ts';

export const listenConfig = Type.Object({
  client: Type.String({
    default: '127.0.0.1:8008',
    description: 'Where clients connect, as host:port. Plain HTTP: put a TLS proxy in front for the public.',
  }),
  federation: Type.String({
    default: '127.0.0.1:8448',
    description: 'Where other servers connect, as host:port. HTTPS.',
  }),
  metrics: Type.Optional(
    Type.String({
      description:
        'Where GET /metrics is served for Prometheus, as host:port, such as 127.0.0.1:9008. Absent: nowhere. Keep it private.',
    }),
  ),
  trusted_proxies: Type.Array(Type.String(), {
    default: ['127.0.0.0/8', '::1/128'],
    description: 'Address ranges of reverse proxies whose X-Forwarded-For header is believed.',
  }),
});

export const federationConfig = Type.Object({
  tls_cert: path({ description: 'PEM file with the certificate chain. Without it a self-signed one is made.' }),
  tls_key: path({ description: 'PEM file with the private key of tls_cert.' }),
  ca_file: path({ description: 'PEM file with further root certificates that other servers may be signed by.' }),
  verify_tls: Type.Boolean({
    default: true,
    description: "Whether other servers' certificates are checked; false is for tests on one machine only.",
  }),
  trusted_key_servers: Type.Array(Type.String(), {
    default: [],
    description: 'Servers that are asked for the signing keys of servers that cannot be reached.',
  }),
});

export const redisConfig = Type.Object({
  url: secret({
    description:
      'Redis, as redis://host:port, for a server of several processes. This version runs as one and does not use it yet.',
  }),
});

export const limitsConfig = Type.Object({
  enabled: Type.Boolean({ default: true, description: 'Whether callers are slowed down at all; false is for tests.' }),
  exempt: Type.Array(Type.String(), {
    default: [],
    description:
      'User ids whose own requests meet none of the limits below. App services registered with rate_limited: false need not be here.',
  }),
  address: rate({ default: '200/s burst 2000', description: 'Requests of any kind from one address (or IPv6 /64).' }),
  user: rate({ default: '150/s burst 1500', description: 'Requests of any kind by one user, over all devices.' }),
  device: rate({ default: '100/s burst 1000', description: 'Requests of any kind by one device of a user.' }),
  message: rate({ default: '10/s burst 50', description: 'Events that a user sends.' }),
  login: rate({ default: '30/min burst 30', description: 'Logins from one address.' }),
  register: rate({ default: '10/min burst 20', description: 'Steps of registration from one address.' }),
  refresh: rate({ default: '30/min burst 60', description: 'Access tokens refreshed from one address.' }),
  openid: rate({ default: '10/min burst 10', description: 'OpenID tokens that a user asks for.' }),
  profile: rate({
    default: '1/s burst 20',
    description: 'Changes of a profile; each is told to all rooms of the user.',
  }),
  join: rate({ default: '1/s burst 30', description: 'Rooms that a user joins or knocks on.' }),
  invite: rate({ default: '1/s burst 30', description: 'Invites that a user sends.' }),
  create_room: rate({ default: '10/min burst 20', description: 'Rooms that a user creates.' }),
  search: rate({ default: '5/s burst 20', description: 'Searches over messages or people.' }),
  report: rate({ default: '10/min burst 20', description: 'Rooms, messages and people that a user reports.' }),
  keys: rate({ default: '20/s burst 100', description: 'Uploads of and questions for encryption keys.' }),
});

export const roomsConfig = Type.Object({
  default_version: name({ default: '12', description: 'The version of rooms whose maker names none.' }),
});

export const appservicesConfig = Type.Object({
  dir: path({ description: 'Folder with registration files (YAML) of application services; all of them are loaded.' }),
});

export const messagesConfig = Type.Object({
  unsend_window: optionalDuration({
    description:
      'How long people of this server may redact their own messages; later only moderators and admins. none: for ever.',
  }),
});

export const presenceConfig = Type.Object({
  enabled: Type.Boolean({ default: true, description: 'Whether people see who is online.' }),
});

export const voipConfig = Type.Object({
  turn_uris: Type.Array(Type.String({ pattern: '^turns?:' }), {
    default: [],
    description:
      'TURN servers that relay calls, as turn:host:port?transport=udp. Empty: calls go directly or not at all.',
  }),
  turn_secret: secret({
    description: 'The secret that this server shares with the TURN servers (static-auth-secret).',
  }),
  turn_lifetime: optionalDuration({
    default: '1d',
    description: 'How long credentials for the TURN servers hold.',
  }),
});

/** In the order of the sample file. */
export const sections = {
  server: serverConfig,
  listen: listenConfig,
  database: databaseConfig,
  redis: redisConfig,
  registration: registrationConfig,
  accounts: accountsConfig,
  rooms: roomsConfig,
  messages: messagesConfig,
  presence: presenceConfig,
  voip: voipConfig,
  appservices: appservicesConfig,
  federation: federationConfig,
  outbound: outboundConfig,
  media: mediaConfig,
  limits: limitsConfig,
  log: logConfig,
} as const;
