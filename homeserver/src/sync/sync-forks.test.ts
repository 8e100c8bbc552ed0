// Rooms in which many speak at once, through sync: each event once, and the sum of what a client is told is the room.
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ForkDraft, sayAfter } from '../rooms/testing/fork-room.ts';
import { idsOf, type JoinedBody, openSyncWorld, type SyncWorld } from './testing/sync-world.ts';

let world: SyncWorld;
beforeAll(async () => {
  world = await openSyncWorld();
});
afterAll(() => world.close());

/** What a client knows that believes what it is told. */
class Client {
  readonly events: EventId[] = [];
  readonly state = new Map<string, EventId>();
  #since: string | undefined;

  readonly userId: UserId;
  readonly roomId: RoomId;
  readonly limit: number;

  constructor(userId: UserId, roomId: RoomId, limit: number) {
    this.userId = userId;
    this.roomId = roomId;
    this.limit = limit;
  }

  async sync(): Promise<void> {
    const body = await world.sync(this.userId, {
      ...{ since: this.#since, statePlace: 'state_after' },
      filter: { room: { timeline: { limit: this.limit } } },
    });
    this.#since = body.next_batch;
    const room: JoinedBody | undefined = body.rooms?.join?.[this.roomId];
    if (room === undefined) return;
    if (room.timeline.limited) this.events.length = 0;
    this.events.push(...idsOf(room.timeline.events));
    for (const event of room.state_after?.events ?? [])
      this.state.set(`${event.type} ${event.state_key}`, event.event_id);
  }
}

const stateOfRoom = async (roomId: RoomId) => {
  const room = await world.features.rooms.rooms.load(roomId);
  return new Map(
    Array.from(room.current.entries(), ({ type, stateKey, value }) => [`${type} ${stateKey}`, value.eventId]),
  );
};

const STEP = fc.record({
  back: fc.nat(4),
  kind: fc.nat(3),
  key: fc.nat(1),
  syncs: fc.boolean(),
  forgets: fc.boolean(),
});

describe('sync of a forked room', () => {
  it('tells each event once, and state that sums up to the room, also after it forgot all it had in memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 2, maxLength: 16 }), async (steps) => {
        const [alice, bob] = (await world.users(2)) as [UserId, UserId];
        const roomId = await world.create(alice);
        await world.join(roomId, bob);
        const [whole, late] = [new Client(bob, roomId, 100), new Client(bob, roomId, 2)];
        await whole.sync();
        await late.sync();
        const room = () => world.features.rooms.rooms.load(roomId);
        const told = [(await room()).heads[0]?.eventId as EventId];
        for (const [index, step] of steps.entries()) {
          const follows = [told.at(-1 - step.back) ?? (told[0] as EventId)];
          const content = { msgtype: 'm.text', body: `${index}`, topic: `${index}` };
          const drafts: ForkDraft[] = [
            { type: 'm.room.message', sender: bob, content, follows },
            { type: 'm.room.topic', stateKey: '', sender: alice, content, follows },
            { type: 'com.example.x', stateKey: `${step.key}`, sender: alice, content, follows },
            { type: 'm.room.message', sender: alice, content, follows },
          ];
          told.push(...(await sayAfter(world.features.rooms, roomId, [drafts[step.kind] as ForkDraft])));
          if (step.forgets) world.forgetMemory();
          if (step.syncs) await whole.sync();
        }
        await whole.sync();
        await late.sync();
        expect(whole.events.slice(-told.length)).toEqual(told);
        expect(new Set(whole.events).size).toBe(whole.events.length);
        expect(whole.state).toEqual(await stateOfRoom(roomId));
        expect(late.state).toEqual(await stateOfRoom(roomId));
        const fresh = new Client(alice, roomId, 1);
        await fresh.sync();
        expect(fresh.state).toEqual(await stateOfRoom(roomId));
      }),
      { numRuns: 20 },
    );
  }, 120_000);

  it('without state_after, state before the timeline and the timeline together have every key of the room', async () => {
    const [alice, bob] = (await world.users(2)) as [UserId, UserId];
    const roomId = await world.create(alice);
    await world.join(roomId, bob);
    const base = (await world.features.rooms.rooms.load(roomId)).heads[0]?.eventId as EventId;
    const drafts = ['a', 'b', 'c'].map((stateKey) => ({
      ...{ type: 'com.example.x', stateKey, sender: alice, content: { stateKey }, follows: [base] },
    }));
    for (const draft of drafts) await sayAfter(world.features.rooms, roomId, [draft]);
    for (const limit of [1, 2, 100]) {
      const body = await world.sync(bob, { filter: { room: { timeline: { limit } } } });
      const room = body.rooms?.join?.[roomId];
      const all = [...(room?.state?.events ?? []), ...(room?.timeline.events ?? [])];
      const sum = new Map(
        all.flatMap((event) =>
          event.state_key === undefined ? [] : [[`${event.type} ${event.state_key}`, event.event_id] as const],
        ),
      );
      expect(sum).toEqual(await stateOfRoom(roomId));
    }
  });
});
