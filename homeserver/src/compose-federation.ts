// The other servers as the features see them: the client that asks them, their keys, what goes to them and what comes from them.
import { FederationClient, fetchWellKnown } from '@carillon/federation/client.ts';
import { Discovery } from '@carillon/federation/discovery.ts';
import { createEventVerifier } from '@carillon/federation/event-verifier.ts';
import { fetchServerKeys, queryNotary } from '@carillon/federation/keys/ask-for-keys.ts';
import { KeyRing } from '@carillon/federation/keys/key-ring.ts';
import { Sender } from '@carillon/federation/outbound/sender.ts';
import { readSettingFile } from '@carillon/platform/certificate-files.ts';
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import { type Ed25519SigningKey, verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import type { Lifecycle } from '@carillon/platform/lifecycle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { createAddressGate } from '@carillon/platform/outbound/address-gate.ts';
import { createOutboundHttp } from '@carillon/platform/outbound/outbound-http.ts';
import { listSrvRecords } from '@carillon/platform/outbound/srv-records.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { RoomId, ServerName } from '@carillon/protocol/identifiers.ts';
import type { HomeserverConfig } from './config-slices.ts';
import { Outbox } from './rooms/outbox.ts';

export interface FederationParts {
  readonly config: HomeserverConfig;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly serverName: ServerName;
  readonly signingKey: Ed25519SigningKey;
}

/** Batches that wait for one room; further ones are sent again by their servers. */
const MAX_WAITING_BATCHES = 200;
const BOOT_ID_BYTES = 6;

/** Builds it; the outbox's hooks are the caller's to add, and `start` sends what the last run left. */
export function composeFederation(parts: FederationParts) {
  const { database, clock, random, logger, lifecycle, serverName, signingKey } = parts;
  const { client, keyRing } = composeClient(parts);
  const verifyKey = verifyKeyFromBytes(signingKey.publicKey);
  const intake = new KeyedQueue<RoomId>({ name: 'incoming events', maxWaiting: MAX_WAITING_BATCHES });
  lifecycle.add('incoming events', () => intake.close());
  const outbox = lifecycle.use('outbox', new Outbox({ database, serverName, clock }));
  const bootId = random.token(BOOT_ID_BYTES);
  const sender = lifecycle.use('sender', new Sender({ client, outbox, serverName, clock, logger, bootId }));
  outbox.onWaiting = (destinations) => sender.wake(destinations);
  const verifyEvent = createEventVerifier({ keyRing, own: { serverName, keyId: signingKey.keyId, verifyKey } });
  return { client, keyRing, outbox, sender, remote: { client, verifyEvent, intake } };
}

export type Federation = ReturnType<typeof composeFederation>;

function composeClient({ config, database, clock, logger, lifecycle, serverName, signingKey }: FederationParts) {
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
  const client = new FederationClient({ serverName, key: signingKey, outbound, discovery, clock });
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
