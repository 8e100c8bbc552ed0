// The door for other servers: HTTPS, signed requests, our keys; and the client by which we ask them.
import { authenticateRequests } from '@carillon/federation/authenticate-request.ts';
import { keyRoutes } from '@carillon/federation/inbound/keys.routes.ts';
import { membershipRoutes } from '@carillon/federation/inbound/membership.routes.ts';
import { queryRoutes } from '@carillon/federation/inbound/query.routes.ts';
import { roomReadRoutes } from '@carillon/federation/inbound/room-reads.routes.ts';
import { transactionRoutes } from '@carillon/federation/inbound/transactions.routes.ts';
import type { QueryPort } from '@carillon/federation/ports.ts';
import { loadSelfSigned, readSettingFile } from '@carillon/platform/certificate-files.ts';
import { parseHostPort } from '@carillon/platform/config/host-port.ts';
import { createHttpServer } from '@carillon/platform/http/server.ts';
import type { Lifecycle } from '@carillon/platform/lifecycle.ts';
import { StartFault } from '@carillon/platform/supervisor/start-fault.ts';
import type { Features } from './compose-features.ts';
import type { HomeserverConfig } from './config-slices.ts';
import { receiveEdu, sendEdus } from './ephemeral/federated-edus.ts';
import { membershipPort, roomReadPort, transactionPort } from './federation-ports.ts';
import { requireFederation } from './rooms/federated-rooms.ts';
import { findAlias } from './rooms/room-alias.store.ts';

export interface FederationOptions extends Features {
  readonly config: HomeserverConfig;
  readonly lifecycle: Lifecycle;
  /** True where the operator has set `listen.federation`: then a taken port ends the start. */
  readonly mustListen: boolean;
}

const SOFTWARE = { name: 'Carillon', version: '0.1.0' } as const;

/** Listens for other servers, and sends them what the last run left. */
export async function openFederation(options: FederationOptions): Promise<void> {
  const { config, clock, logger, lifecycle, rooms, serverName } = options;
  const { keyRing, outbox, sender } = options.federation;
  const federated = requireFederation(rooms);
  const { typing, receipts } = options.ephemeral;
  const edus = { ...rooms, typing, receipts, sender };
  sendEdus(edus);
  const server = createHttpServer({
    handlers: [
      ...keyRoutes({
        own: { serverName, key: rooms.signingKey, publicKey: rooms.signingKey.publicKey, oldKeys: [] },
        keyRing,
        clock,
      }),
      ...queryRoutes({ serverName, port: queryPort(options), software: SOFTWARE }),
      ...transactionRoutes(
        transactionPort({ rooms: federated, sender, receiveEdu: (origin, edu) => receiveEdu(edus, origin, edu) }),
      ),
      ...membershipRoutes(membershipPort(federated)),
      ...roomReadRoutes({ serverName, clock, port: roomReadPort(federated) }),
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
  await outbox.start();
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
