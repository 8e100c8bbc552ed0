// Whatever happens in rooms, and whenever clients look: what their syncs add up to is what the rooms are, nothing comes
// twice or is lost, and nobody sees what is not for them.
import type { SocketConnection } from '@carillon/platform/http/socket-door.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SocketSession } from './socket-session.ts';
import { type ClientShape, ComposedClient, type Replays } from './testing/composed-client.ts';
import { RoomReplay } from './testing/room-replay.ts';
import { openSyncWorld, type SyncBody, type SyncWorld } from './testing/sync-world.ts';

const PEOPLE = 3;
const ROOMS = 2;

const SHAPES: readonly ClientShape[] = [
  { limit: 20, lazy: false, place: 'state' },
  { limit: 2, lazy: false, place: 'state' },
  { limit: 3, lazy: false, place: 'state_after' },
  { limit: 100, lazy: true, place: 'state' },
  { limit: 1, lazy: true, place: 'state_after' },
];

const KINDS = [
  ...['say', 'say', 'say', 'topic', 'topic', 'custom', 'name', 'join', 'join', 'join', 'leave', 'leave', 'invite'],
  ...['kick', 'ban', 'unban', 'redact', 'read', 'readPrivately', 'type', 'accountData', 'visibility', 'visibility'],
  ...['comeBack', 'comeBack', 'restart'],
] as const;

interface Action {
  readonly kind: (typeof KINDS)[number];
  readonly room: number;
  readonly who: number;
  readonly whom: number;
  readonly number: number;
}

const actions = (maxLength: number) =>
  fc.array(
    fc.record<Action>({
      kind: fc.constantFrom(...KINDS),
      room: fc.nat(ROOMS - 1),
      who: fc.nat(PEOPLE - 1),
      whom: fc.nat(PEOPLE - 1),
      number: fc.nat(3),
    }),
    { minLength: 5, maxLength },
  );

/** Which clients look after each action, as bits; mostly none does. */
const looks = (maxLength: number) => {
  const some = { weight: 1, arbitrary: fc.nat(2 ** (PEOPLE * 2) - 1) };
  return fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, some), { minLength: 5, maxLength });
};

const VISIBILITIES = ['joined', 'invited', 'shared', 'world_readable'] as const;

const visibilities = fc.array(fc.constantFrom(...VISIBILITIES), { minLength: ROOMS, maxLength: ROOMS });

interface Scene {
  readonly people: readonly UserId[];
  readonly roomIds: readonly RoomId[];
}

describe('the sum of syncs', () => {
  let world: SyncWorld;

  beforeAll(async () => {
    world = await openSyncWorld();
  });

  afterAll(() => world.close());

  const setScene = async (visibilities: readonly string[]): Promise<Scene> => {
    const people = await world.users(PEOPLE);
    const creators = people.slice(0, ROOMS);
    // Everybody may change everything, so that most of what is tried happens.
    const levels = { users_default: 50, events: { 'm.room.history_visibility': 50 } };
    const request = { preset: 'public_chat' as const, power_level_content_override: levels };
    const roomIds = await Promise.all(
      creators.map((creator, index) => {
        const content = { history_visibility: visibilities[index] ?? 'shared' };
        const visibility = { type: 'm.room.history_visibility', state_key: '', content };
        return world.create(creator, { ...request, initial_state: [visibility] });
      }),
    );
    for (const roomId of roomIds) await Promise.all(people.slice(1).map((userId) => world.join(roomId, userId)));
    return { people, roomIds };
  };

  const replaysOf = async ({ roomIds }: Scene): Promise<Replays> =>
    new Map(
      await Promise.all(roomIds.map(async (id) => [id, await RoomReplay.load(world.features.database, id)] as const)),
    );

  /** Does it, if the rules let it. */
  const act = async (scene: Scene, action: Action): Promise<void> => {
    const [roomId, who, whom] = [scene.roomIds[action.room], scene.people[action.who], scene.people[action.whom]];
    if (roomId === undefined || who === undefined || whom === undefined) throw new Error('the scene is set');
    try {
      await perform(roomId, who, { ...action, whom });
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
    }
  };

  const recent = async (roomId: RoomId, back: number): Promise<EventId> => {
    const events = (await world.features.rooms.rooms.load(roomId)).timeline.all();
    return (events.at(-1 - back) ?? events[0])?.eventId as EventId;
  };

  /** Joins, leaves, and joins again after this and that. */
  const comeBack = async (roomId: RoomId, who: UserId, number: number): Promise<void> => {
    await world.join(roomId, who);
    const creator = (await world.features.rooms.rooms.load(roomId)).creator;
    if (creator === who) return;
    await world.leave(roomId, who);
    if (number > 0) await world.say(roomId, creator, 'meanwhile');
    if (number > 1) await world.setState(roomId, creator, 'm.room.topic', { topic: `meanwhile ${number}` });
    if (number > 2) await world.invite(roomId, creator, who);
    await world.join(roomId, who);
  };

  const perform = async (
    roomId: RoomId,
    who: UserId,
    { kind, whom, number }: Omit<Action, 'whom'> & { whom: UserId },
  ): Promise<unknown> => {
    const member = { membership: 'join', displayname: `name ${number}` };
    switch (kind) {
      case 'say':
        return world.say(roomId, who, `message ${number}`);
      case 'topic':
        return world.setState(roomId, who, 'm.room.topic', { topic: `${number}` });
      case 'custom':
        return world.setState(roomId, who, 'custom', { number: Math.random() }, `${number}`);
      case 'name':
        return world.setState(roomId, who, 'm.room.member', member, who);
      case 'join':
        return world.join(roomId, who);
      case 'leave':
        return world.leave(roomId, who);
      case 'invite':
        return world.invite(roomId, who, whom);
      case 'kick':
        return world.kick(roomId, who, whom);
      case 'ban':
        return world.ban(roomId, who, whom);
      case 'unban':
        return world.setState(roomId, who, 'm.room.member', { membership: 'leave' }, whom);
      case 'redact':
        return world.redact(roomId, who, await recent(roomId, number));
      case 'read':
        return world.read(roomId, who, await recent(roomId, number));
      case 'readPrivately':
        return world.read(roomId, who, await recent(roomId, number), 'm.read.private');
      case 'type':
        return (await world.features.rooms.rooms.load(roomId)).membershipOf(who) === 'join'
          ? world.features.ephemeral.typing.start(roomId, who, 30_000)
          : undefined;
      case 'accountData':
        return world.setAccountData(who, number === 0 ? null : roomId, `type ${number}`, { at: Math.random() });
      case 'visibility': {
        const visibility = VISIBILITIES[number] ?? 'shared';
        return world.setState(roomId, who, 'm.room.history_visibility', { history_visibility: visibility });
      }
      case 'comeBack':
        return comeBack(roomId, who, number);
      case 'restart':
        return world.forgetMemory();
    }
  };

  /** That the client has what a fresh one of the same shape gets. */
  const compareWithFresh = async (client: ComposedClient, scene: Scene, replays: Replays): Promise<void> => {
    const fresh = new ComposedClient(client.userId, client.shape);
    fresh.apply(await world.sync(fresh.userId, fresh.options), replays);
    for (const roomId of scene.roomIds) {
      const [summed, first] = [client.rooms.get(roomId), fresh.rooms.get(roomId)];
      if (first?.section !== 'join') continue;
      expect(Object.fromEntries(summed?.receipts ?? [])).toEqual(Object.fromEntries(first.receipts));
      expect(summed?.typing).toEqual(first.typing);
      expect(summed?.counts).toEqual(first.counts);
      for (const [type, content] of first.accountData) expect(summed?.accountData.get(type) ?? content).toBe(content);
    }
  };

  test('looked at between any two actions is exactly what the rooms are', { timeout: 120_000 }, async () => {
    const shapes = fc.array(fc.constantFrom(...SHAPES), { minLength: PEOPLE * 2, maxLength: PEOPLE * 2 });
    const property = fc.asyncProperty(
      visibilities,
      actions(70),
      looks(40),
      shapes,
      async (seen, todo, looking, shape) => {
        const scene = await setScene(seen);
        const clients = shape.map((each, index) => new ComposedClient(scene.people[index % PEOPLE] as UserId, each));
        const look = async (client: ComposedClient, index: number) => {
          const replays = await replaysOf(scene);
          client.apply(await world.sync(client.userId, { ...client.options, deviceId: `D${index}` }), replays);
          client.checkAgainst(replays);
          for (const [roomId, replay] of replays) client.checkLeftState(roomId, replay);
        };
        for (const [index, action] of todo.entries()) {
          await act(scene, action);
          const bits = looking[index % looking.length] ?? 0;
          for (const [number, client] of clients.entries()) if (bits & (1 << number)) await look(client, number);
        }
        for (const [number, client] of clients.entries()) {
          await look(client, number);
          await compareWithFresh(client, scene, await replaysOf(scene));
        }
      },
    );
    await fc.assert(property, { numRuns: 60, endOnFailure: false, interruptAfterTimeLimit: 60_000 });
  });

  /** Answers take their time, so that much happens while they are made. */
  const slowDown = (): (() => void) => {
    const { sources } = world.features.sync;
    const { accountDataSince } = sources;
    Object.assign(sources, {
      accountDataSince: async (...query: Parameters<typeof accountDataSince>) => {
        await new Promise((resolve) => setTimeout(resolve, 4 * Math.random()));
        return accountDataSince(...query);
      },
    });
    return () => void Object.assign(sources, { accountDataSince });
  };

  /** A socket that acknowledges what it gets. */
  const openSocket = (client: ComposedClient): { session: SocketSession; pos: () => string } => {
    let pos = '';
    const socket: SocketConnection = {
      send: (text) => {
        const frame = JSON.parse(String(text)) as { op: string; pos: string; data: SyncBody };
        if (frame.op !== 'sync') throw new Error(String(text));
        client.apply(frame.data);
        pos = frame.pos;
        queueMicrotask(() => session.acknowledge(frame.pos));
      },
      bufferedAmount: 0,
      isOpen: true,
      close: () => undefined,
      terminate: () => undefined,
      onMessage: () => undefined,
      onClose: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
    };
    const { userId } = client;
    const identity = { deviceId: 'SOCKET', sessionId: `${userId} SOCKET`, isGuest: false, isAdmin: false };
    const caller = { userId, ...identity, appservice: null, tokenExpiresTs: null };
    const request = { ...world.requestOf(userId, { ...client.options, deviceId: 'SOCKET' }), since: null };
    const dependencies = { ...world.features.sync, logger: world.logger };
    const session = new SocketSession(dependencies, socket, { caller, request });
    return { session, pos: () => pos };
  };

  test('by long-poll and by socket, while all goes on at once, loses and doubles nothing', {
    timeout: 120_000,
  }, async () => {
    const shape = fc.constantFrom(...SHAPES);
    const widths = fc.integer({ min: 1, max: 8 });
    const property = fc.asyncProperty(visibilities, actions(60), shape, widths, async (seen, todo, each, width) => {
      const scene = await setScene(seen);
      const polling = scene.people.map((userId) => new ComposedClient(userId, each));
      const listening = scene.people.map((userId) => new ComposedClient(userId, each));
      const sockets = listening.map(openSocket);
      let isOver = false;
      const loops = polling.map(async (client) => {
        while (!isOver) client.apply(await world.sync(client.userId, { ...client.options, timeoutMs: 50 }));
        client.apply(await world.sync(client.userId, client.options));
      });
      const quiet = todo.filter(({ kind }) => kind !== 'restart');
      for (let start = 0; start < quiet.length; start += width) {
        await Promise.all(quiet.slice(start, start + width).map((action) => act(scene, action)));
      }
      isOver = true;
      await Promise.all(loops);
      await world.features.streamWriter.drain();
      const replays = await replaysOf(scene);
      for (const client of polling) client.checkAgainst(replays);
      await expect
        .poll(() => {
          for (const client of listening) client.checkAgainst(replays);
          return true;
        })
        .toBe(true);
      for (const { session } of sockets) session.close();
    });
    const restore = slowDown();
    await fc.assert(property, { numRuns: 30, interruptAfterTimeLimit: 60_000 }).finally(restore);
  });
});
