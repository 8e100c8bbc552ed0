// A client that adds up what it is told, as the spec says clients do, and holds it against the rooms themselves.
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { expect } from 'vitest';
import { type RoomReplay, stateKeyOf } from './room-replay.ts';
import { type ClientEvent, idsOf, type JoinedBody, type SyncBody, type SyncOptions } from './sync-world.ts';

export interface ClientShape {
  readonly limit: number;
  readonly lazy: boolean;
  readonly place: 'state' | 'state_after';
}

interface ClientRoom {
  section: 'join' | 'leave' | 'invite';
  state: Map<string, EventId>;
  /** Since the last gap. */
  timeline: EventId[];
  /** Of `timeline`: everything from the room's beginning. */
  isWhole: boolean;
  /** Events of the room when it was last told. */
  known: number;
  receipts: Map<string, EventId>;
  typing: unknown;
  accountData: Map<string, string>;
  counts: unknown;
}

export type Replays = ReadonlyMap<RoomId, RoomReplay>;

export class ComposedClient {
  readonly userId: UserId;
  readonly shape: ClientShape;
  readonly rooms = new Map<RoomId, ClientRoom>();
  since: string | undefined;

  constructor(userId: UserId, shape: ClientShape) {
    this.userId = userId;
    this.shape = shape;
  }

  get options(): SyncOptions {
    const { limit, lazy, place } = this.shape;
    const filter = { room: { timeline: { limit }, state: { lazy_load_members: lazy } } };
    return { since: this.since, filter, statePlace: place };
  }

  /** Takes in an answer. With `replays`, the rooms as they were when it was made, each part of it is checked. */
  apply(body: SyncBody, replays?: Replays): void {
    const { join = {}, leave = {}, invite = {} } = body.rooms ?? {};
    if (replays !== undefined) this.#check(body, replays);
    for (const [roomId, room] of Object.entries(join)) this.#applyRoom(roomId as RoomId, 'join', room);
    for (const [roomId, room] of Object.entries(leave)) this.#applyRoom(roomId as RoomId, 'leave', room);
    for (const roomId of Object.keys(invite)) this.rooms.set(roomId as RoomId, { ...newRoom(), section: 'invite' });
    for (const [roomId, replay] of replays ?? []) {
      const room = this.rooms.get(roomId);
      if (room !== undefined && room.section === 'join') room.known = replay.events.length;
    }
    this.since = body.next_batch;
  }

  /** That what was added up is what the rooms are now. */
  checkAgainst(replays: Replays): void {
    for (const [roomId, replay] of replays) {
      const membership = replay.membership(this.userId);
      const room = this.rooms.get(roomId);
      if (membership === 'join') {
        if (room === undefined) throw new Error(`${this.userId} was not told of ${roomId}`);
        expect(room.section).toBe('join');
        this.#checkState(room, replay.state);
        const all = replay.ids;
        expect(room.timeline).toEqual(all.slice(all.length - room.timeline.length));
        if (room.isWhole) expect(room.timeline.length).toBe(all.length);
      } else if (membership === 'invite') {
        expect(room?.section).toBe('invite');
      } else if (room !== undefined) {
        expect(room.section).toBe('leave');
      }
    }
  }

  #applyRoom(roomId: RoomId, section: 'join' | 'leave', body: Omit<JoinedBody, 'ephemeral' | 'unread_notifications'>) {
    const before = this.rooms.get(roomId);
    const continues = before !== undefined && before.section === 'join';
    const room = continues ? before : newRoom();
    this.rooms.set(roomId, room);
    room.section = section;
    const { events, limited } = body.timeline;
    const take = (event: ClientEvent) => {
      if (event.state_key !== undefined) room.state.set(stateKeyOf(event), event.event_id);
    };
    body.state?.events.forEach(take);
    events.forEach(take);
    body.state_after?.events.forEach(take);
    if (limited) {
      room.timeline = [];
      room.isWhole = false;
    }
    for (const id of idsOf(events)) {
      expect(room.timeline, 'nothing comes twice').not.toContain(id);
      room.timeline.push(id);
    }
    for (const { type, content } of body.account_data.events) room.accountData.set(type, JSON.stringify(content));
    if ('ephemeral' in body) this.#applyEphemeral(room, body as JoinedBody);
  }

  #applyEphemeral(room: ClientRoom, body: JoinedBody): void {
    room.counts = body.unread_notifications;
    for (const { type, content } of body.ephemeral.events) {
      if (type === 'm.typing') room.typing = content['user_ids'];
      if (type !== 'm.receipt') continue;
      for (const [eventId, kinds] of Object.entries(content)) {
        for (const [kind, users] of Object.entries(kinds as Record<string, Record<string, unknown>>)) {
          for (const userId of Object.keys(users)) room.receipts.set(`${kind} ${userId}`, eventId as EventId);
        }
      }
    }
  }

  #check(body: SyncBody, replays: Replays): void {
    for (const [roomId, replay] of replays) {
      const { join, leave, invite } = body.rooms ?? {};
      if (replay.membership(this.userId) === 'join') {
        expect([leave?.[roomId], invite?.[roomId]]).toEqual([undefined, undefined]);
        this.#checkJoined(this.rooms.get(roomId), join?.[roomId], replay);
      } else {
        expect(join?.[roomId]).toBeUndefined();
        if (leave?.[roomId] !== undefined) this.#checkLeft(this.rooms.get(roomId), leave[roomId], replay);
      }
    }
  }

  #checkJoined(before: ClientRoom | undefined, body: JoinedBody | undefined, replay: RoomReplay): void {
    const { userId, shape } = this;
    const known = before?.section === 'join' ? before.known : 0;
    const fresh = replay.events.length - known;
    if (body === undefined) {
      expect(fresh, 'a room with news is told').toBe(0);
      return;
    }
    let shown = Math.min(shape.limit, fresh);
    if (!(known > 0 && replay.isJoinedFrom(known, userId))) {
      // Someone who was not there all the time sees from the newest event back to the first that is hidden.
      const hidden = replay.events.findLastIndex((_, index) => !replay.isVisible(index, userId));
      shown = Math.min(shown, replay.events.length - 1 - hidden);
    }
    const first = replay.events.length - shown;
    const { events, limited } = body.timeline;
    expect(idsOf(events)).toEqual(replay.ids.slice(first));
    expect(limited).toBe(shown < fresh);
    expect(events.map((event) => event.unsigned['membership'])).toEqual(
      events.map((_, index) => replay.membershipAfter(first + index, userId)),
    );
    this.#checkSeen(body.state?.events ?? body.state_after?.events ?? [], replay);
  }

  #checkLeft(
    before: ClientRoom | undefined,
    body: Omit<JoinedBody, 'ephemeral' | 'unread_notifications'>,
    replay: RoomReplay,
  ): void {
    const { userId } = this;
    const ids = replay.ids;
    const shown = idsOf(body.timeline.events);
    const own = replay.state.get(`m.room.member ${userId}`);
    if (this.shape.limit > 0) expect(shown.at(-1)).toBe(own);
    for (const id of shown) {
      const index = ids.indexOf(id);
      expect(id === own || replay.isVisible(index, userId), 'only what the user may see is shown').toBe(true);
    }
    const first = ids.indexOf(shown[0] ?? ids[0] ?? ('' as EventId));
    expect(shown).toEqual(ids.slice(first, first + shown.length));
    if (before?.section === 'join' && !body.timeline.limited) expect(first).toBeLessThanOrEqual(before.known);
    this.#checkSeen(body.state?.events ?? body.state_after?.events ?? [], replay);
  }

  #checkSeen(state: readonly ClientEvent[], replay: RoomReplay): void {
    const seen = replay.stateEverSeenBy(this.userId);
    for (const { event_id: id } of state) expect(seen.has(id), 'only state that the user may see is shown').toBe(true);
  }

  /** Of a room that was left: the state as the user last saw it. */
  checkLeftState(roomId: RoomId, replay: RoomReplay): void {
    const room = this.rooms.get(roomId);
    if (room?.section !== 'leave' || room.state.size <= 1) return;
    const expected = new Map(replay.stateAfter(replay.lastEnd(this.userId)));
    const own = `m.room.member ${this.userId}`;
    const leaving = replay.state.get(own);
    if (leaving !== undefined) expected.set(own, leaving);
    this.#checkState(room, expected);
  }

  #checkState(room: ClientRoom, expected: ReadonlyMap<string, EventId>): void {
    if (!this.shape.lazy) {
      expect(sorted(room.state)).toEqual(sorted(expected));
      return;
    }
    const known = new Map([...expected].filter(([key]) => !key.startsWith('m.room.member ') || room.state.has(key)));
    expect(sorted(room.state)).toEqual(sorted(known));
  }
}

const sorted = (map: ReadonlyMap<string, EventId>) => [...map].map(([key, id]) => `${key} ${id}`).sort();

const newRoom = (): ClientRoom => ({
  section: 'join',
  state: new Map(),
  timeline: [],
  isWhole: true,
  known: 0,
  receipts: new Map(),
  typing: [],
  accountData: new Map(),
  counts: undefined,
});
