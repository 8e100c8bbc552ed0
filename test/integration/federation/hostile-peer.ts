// A server that says what no honest one would: its requests are rightly signed, its events are whatever a test makes of them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildEvent } from '@carillon/event-graph/build-event.ts';
import { eventIdOf } from '@carillon/event-graph/hashes.ts';
import { findRoomVersion, type RoomVersion } from '@carillon/event-graph/room-version.ts';
import { FederationClient, RemoteRefusal } from '@carillon/federation/client.ts';
import { Discovery } from '@carillon/federation/discovery.ts';
import { keyRoutes } from '@carillon/federation/inbound/keys.routes.ts';
import { loadSelfSigned } from '@carillon/platform/certificate-files.ts';
import { systemClock } from '@carillon/platform/clock.ts';
import { type Ed25519SigningKey, signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import type { Handler } from '@carillon/platform/http/handle.ts';
import { createRateLimiter } from '@carillon/platform/http/rate-limit.ts';
import { createHttpServer, type HttpServer } from '@carillon/platform/http/server.ts';
import { createAddressGate } from '@carillon/platform/outbound/address-gate.ts';
import { createOutboundHttp } from '@carillon/platform/outbound/outbound-http.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject, JsonValue } from '@carillon/protocol/json.ts';
import { freePort } from '../support/free-port.ts';

export interface Saying {
  readonly type: string;
  readonly content: JsonObject;
  readonly stateKey?: string;
  readonly sender?: UserId;
  readonly roomId: RoomId;
  readonly template: JsonObject;
  /** Instead of our own. */
  readonly key?: Ed25519SigningKey;
  readonly server?: ServerName;
  readonly authEvents?: readonly EventId[];
}

export class HostilePeer {
  readonly name: ServerName;
  readonly key: Ed25519SigningKey;
  readonly target: ServerName;
  readonly user: UserId;
  readonly #client: FederationClient;
  readonly #close: () => Promise<void>;

  private constructor(
    target: ServerName,
    parts: { name: ServerName; key: Ed25519SigningKey; client: FederationClient; close: () => Promise<void> },
  ) {
    this.target = target;
    this.name = parts.name;
    this.key = parts.key;
    this.user = `@mallory:${parts.name}` as UserId;
    this.#client = parts.client;
    this.#close = parts.close;
  }

  /** Opens one that answers with these handlers beside its keys, and talks to the target. */
  static async open(target: string, handlers: readonly Handler[] = []): Promise<HostilePeer> {
    const port = await freePort();
    const name = `127.0.0.1:${port}` as ServerName;
    const key = signingKeyFromSeed(systemRandom.bytes(32), 'ed25519:evil');
    const folder = mkdtempSync(join(tmpdir(), 'carillon-peer-'));
    const server = openDoor({ name, key, folder, handlers });
    await server.listen('127.0.0.1', port);
    const gate = createAddressGate(['127.0.0.0/8']);
    const outbound = createOutboundHttp({ gate, clock: systemClock, verifyTls: false });
    const discovery = new Discovery({
      clock: systemClock,
      fetchWellKnown: () => Promise.reject(new Error('only addresses are asked')),
      resolveSrv: async () => [],
    });
    const client = new FederationClient({ serverName: name, key, outbound, discovery, clock: systemClock });
    const close = async () => {
      await server.close();
      await outbound.close();
      rmSync(folder, { recursive: true, force: true });
    };
    return new HostilePeer(target as ServerName, { name, key, client, close });
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** A signed request; the refusal's status where there was one. */
  async ask(method: 'GET' | 'PUT' | 'POST', uri: string, content?: JsonObject): Promise<JsonObject | number> {
    const call = { destination: this.target, method, uri, ...(content !== undefined && { content }) };
    try {
      return (await this.#client.call(call)) as JsonObject;
    } catch (error) {
      if (error instanceof RemoteRefusal) return error.status;
      throw error;
    }
  }

  push(txnId: string, body: { pdus?: JsonValue[]; edus?: JsonValue[] }): Promise<JsonObject | number> {
    return this.ask('PUT', `/_matrix/federation/v1/send/${txnId}`, {
      ...{ origin: this.name, origin_server_ts: systemClock.now(), pdus: body.pdus ?? [] },
      edus: body.edus ?? [],
    });
  }

  /** What the target would have us sign to join. */
  async template(roomId: RoomId, userId: UserId = this.user): Promise<JsonObject> {
    const path = `/_matrix/federation/v1/make_join/${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}`;
    const answer = await this.ask('GET', `${path}?ver=11`);
    if (typeof answer === 'number') throw new Error(`make_join: ${answer}`);
    return answer['event'] as JsonObject;
  }

  /** An event of a version 11 room, signed as the saying wants it. */
  event(saying: Saying): { eventId: EventId; json: JsonObject } {
    const { template, key = this.key, server = this.name } = saying;
    const built = buildEvent(
      VERSION,
      {
        type: saying.type,
        stateKey: saying.stateKey,
        sender: saying.sender ?? this.user,
        content: saying.content,
        roomId: saying.roomId,
        depth: template['depth'] as number,
        originServerTs: systemClock.now(),
        authEvents: saying.authEvents ?? (template['auth_events'] as EventId[]),
        prevEvents: template['prev_events'] as EventId[],
      },
      { server, key },
    );
    return { eventId: built.eventId, json: built.json };
  }

  sendJoin(roomId: string, { eventId, json }: { eventId: string; json: JsonObject }) {
    const path = `/_matrix/federation/v2/send_join/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`;
    return this.ask('PUT', path, json);
  }

  /** Joins as an honest server would; what is needed to speak next. */
  async join(roomId: RoomId): Promise<Speaker> {
    const template = await this.template(roomId);
    const content = { membership: 'join' };
    const join = this.event({ type: 'm.room.member', stateKey: this.user, content, roomId, template });
    const answer = await this.sendJoin(roomId, join);
    if (typeof answer === 'number') throw new Error(`send_join: ${answer}`);
    const state = answer['state'] as JsonObject[];
    return new Speaker(this, { roomId, join, template, state });
  }
}

/** Speaks in a room after its join. */
export class Speaker {
  readonly #peer: HostilePeer;
  readonly roomId: RoomId;
  /** For the next event: after the join, with the auth events of a message. */
  readonly next: JsonObject;

  constructor(
    peer: HostilePeer,
    joined: { roomId: RoomId; join: { eventId: EventId }; template: JsonObject; state: readonly JsonObject[] },
  ) {
    this.#peer = peer;
    this.roomId = joined.roomId;
    const cited = (joined.template['auth_events'] as EventId[]).filter((id) => !joinRulesIds(joined.state).has(id));
    this.next = {
      depth: (joined.template['depth'] as number) + 1,
      prev_events: [joined.join.eventId],
      auth_events: [...cited, joined.join.eventId],
    };
  }

  message(body: string, more: Partial<Saying> = {}): { eventId: EventId; json: JsonObject } {
    const content = { msgtype: 'm.text', body };
    return this.#peer.event({ type: 'm.room.message', content, roomId: this.roomId, template: this.next, ...more });
  }
}

const VERSION = findRoomVersion('11') as RoomVersion;

function joinRulesIds(state: readonly JsonObject[]): Set<EventId> {
  const rules = state.filter((event) => event['type'] === 'm.room.join_rules');
  return new Set(rules.map((json) => eventIdOf(json, VERSION)));
}

interface Door {
  readonly name: ServerName;
  readonly key: Ed25519SigningKey;
  readonly folder: string;
  readonly handlers: readonly Handler[];
}

function openDoor({ name, key, folder, handlers }: Door): HttpServer {
  const parts = { clock: systemClock, random: systemRandom };
  return createHttpServer({
    handlers: [
      ...keyRoutes({
        own: { serverName: name, key, publicKey: key.publicKey, oldKeys: [] },
        keyRing: { findDocument: async () => null },
        clock: systemClock,
      }),
      ...handlers,
    ],
    authenticate: () => Promise.reject(new Error('clients have another door')),
    // It believes whoever asks.
    authenticateServer: async () => ({ origin: 'somebody.example' as ServerName }),
    limiter: createRateLimiter({ clock: systemClock, enabled: false, rules: {}, exempt: () => true }),
    logger: memoryLogger(),
    ...parts,
    options: { trustedProxies: [], queryTokens: false, tls: loadSelfSigned(folder, '127.0.0.1', parts) },
  });
}
