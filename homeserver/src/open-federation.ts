// The door for other servers: HTTPS, signed requests, our keys; and the client by which we ask them.
import { authenticateRequests } from '@carillon/federation/authenticate-request.ts';
import { FederationClient, fetchWellKnown } from '@carillon/federation/client.ts';
import { Discovery } from '@carillon/federation/discovery.ts';
import { keyRoutes } from '@carillon/federation/inbound/keys.routes.ts';
import { queryRoutes } from '@carillon/federation/inbound/query.routes.ts';
import { fetchServerKeys, queryNotary } from '@carillon/federation/keys/ask-for-keys.ts';
import { KeyRing } from '@carillon/federation/keys/key-ring.ts';
import type { QueryPort } from '@carillon/federation/ports.ts';
import { loadSelfSigned, readSettingFile } from '@carillon/platform/certificate-files.ts';
import { parseHostPort } from '@carillon/platform/config/host-port.ts';
import { createHttpServer } from '@carillon/platform/http/server.ts';
import type { Lifecycle } from '@carillon/platform/lifecycle.ts';
import { createAddressGate } from '@carillon/platform/outbound/address-gate.ts';
import { createOutboundHttp } from '@carillon/platform/outbound/outbound-http.ts';
import { listSrvRecords } from '@carillon/platform/outbound/srv-records.ts';
import { StartFault } from '@carillon/platform/supervisor/start-fault.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import type { Features } from './compose-features.ts';
import type { HomeserverConfig } from './config-slices.ts';
import { findAlias } from './rooms/room-alias.store.ts';

export interface FederationOptions extends Features {
  readonly config: HomeserverConfig;
  readonly lifecycle: Lifecycle;
  /** True where the operator has set `listen.federation`: then a taken port ends the start. */
  readonly mustListen: boolean;
}

const SOFTWARE = { name: 'Carillon', version: '0.1.0' } as const;

/** Listens for other servers; the client for asking them. */
export async function openFederation(options: FederationOptions): Promise<FederationClient> {
  const { config, clock, logger, lifecycle, rooms, serverName } = options;
  const { client, keyRing } = composeClient(options);
  const server = createHttpServer({
    handlers: [
      ...keyRoutes({
        own: { serverName, key: rooms.signingKey, publicKey: rooms.signingKey.publicKey, oldKeys: [] },
        keyRing,
        clock,
      }),
      ...queryRoutes({ serverName, port: queryPort(options), software: SOFTWARE }),
    ],
    authenticate: () => Promise.reject(new Error('clients have another door')),
    authenticateServer: authenticateRequests({ serverName, keyRing, requireDestination: false }),
    limiter: options.rateLimiter,
    logger,
    clock,
    random: options.random,
    options: { trustedProxies: config.listen.trusted_proxies, queryTokens: false, tls: tlsPair(options) },
  });
  const address = parseHostPort(config.listen.federation);
  if (address === null) throw new StartFault(`listen.federation is no host:port: ${config.listen.federation}`);
  try {
    await server.listen(address.host, address.port);
    lifecycle.use('federation listener', server);
    logger.info({ listen: config.listen.federation }, 'other servers can connect');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const text = `Cannot listen on ${config.listen.federation} (listen.federation): ${reason}`;
    if (options.mustListen) throw new StartFault(text, { cause: error });
    logger.warn({}, `${text}; other servers cannot reach this one`);
  }
  return client;
}

function composeClient({ config, database, clock, logger, lifecycle, rooms, serverName }: FederationOptions) {
  const { ca_file: caFile, verify_tls: verifyTls, trusted_key_servers: notaries } = config.federation;
  const outbound = createOutboundHttp({
    gate: createAddressGate(config.outbound.allow_ranges),
    clock,
    verifyTls,
    ...(caFile !== undefined && { extraRoots: readSettingFile(caFile, 'federation.ca_file') }),
  });
  lifecycle.add('outbound requests', () => outbound.close());
  const discovery = new Discovery({
    clock,
    fetchWellKnown: (host) => fetchWellKnown(outbound, host),
    resolveSrv: listSrvRecords,
  });
  const client = new FederationClient({ serverName, key: rooms.signingKey, outbound, discovery, clock });
  const keyRing = new KeyRing({
    database,
    clock,
    logger,
    fetchDocument: (server) => fetchServerKeys(client, server),
    queryNotary: (notary, question) => queryNotary(client, notary, question),
    notaries: notaries as ServerName[],
  });
  return { client, keyRing };
}

function queryPort({ accounts, rooms, serverName }: FederationOptions): QueryPort {
  return {
    findProfile: async (userId) => {
      const account = await accounts.findAccount(userId);
      return account === undefined || account.deactivatedTs !== null ? null : accounts.profiles.get(userId);
    },
    findAlias: async (alias) => {
      const found = await findAlias(rooms.database.points, alias);
      return found === null ? null : { roomId: found.roomId, servers: [serverName] };
    },
    findOpenIdUser: async (token) => (await accounts.openId.findUser(token)) ?? null,
  };
}

/** The operator's pair, or a self-signed one, which is said. */
function tlsPair({ config, clock, random, logger, serverName }: FederationOptions) {
  const { tls_cert: certificateFile, tls_key: keyFile } = config.federation;
  if (certificateFile !== undefined && keyFile !== undefined) {
    return {
      certificate: readSettingFile(certificateFile, 'federation.tls_cert'),
      privateKey: readSettingFile(keyFile, 'federation.tls_key'),
    };
  }
  logger.warn(
    {},
    'federation.tls_cert is not set: other servers are shown a self-signed certificate, which they will not trust',
  );
  const host = serverName.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return loadSelfSigned(config.server.data_dir, host, { clock, random });
}
