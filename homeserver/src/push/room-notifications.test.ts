import type { EventId, UserId } from '@carillon/protocol/identifiers.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLEARS_ROOM, GROUP_HIGHLIGHTED, GROUP_NOTIFIED, type NotifyingEvent } from './notifying-event.store.ts';
import { MAX_ROOM_NOTIFICATIONS, RoomNotifications } from './room-notifications.ts';
import type { CountingReader } from './thread-notifications.ts';

const users = ['@a:x', '@b:x', '@c:x'] as UserId[];
const threads = [null, '$one:x', '$two:x'] as (EventId | null)[];

const eventArbitrary = fc.record({
  sender: fc.constantFrom(...users),
  thread: fc.constantFrom(...threads),
  flags: fc.constantFrom(0, GROUP_NOTIFIED, GROUP_NOTIFIED | GROUP_HIGHLIGHTED, CLEARS_ROOM),
  notified: fc.subarray(users),
  highlighted: fc.subarray(users),
});

interface Markers {
  readonly unthreaded: number;
  readonly threads: Map<string, number>;
}

/** What counts, event by event. */
function countSlowly(events: readonly NotifyingEvent[], reader: CountingReader, markers: Markers) {
  const { userId, groupUntil, ignored } = reader;
  const newest = (wanted: (event: NotifyingEvent) => boolean) =>
    Math.max(0, ...events.filter((event) => event.sender === userId && wanted(event)).map((event) => event.position));
  const joined = newest((event) => (event.flags & CLEARS_ROOM) !== 0);
  const counts = new Map<EventId | null, { notificationCount: number; highlightCount: number }>();
  for (const event of events) {
    const { position, thread } = event;
    const threadRead = markers.threads.get(thread ?? 'main') ?? 0;
    const own = newest((other) => other.thread === thread);
    if (position <= Math.max(markers.unthreaded, joined, threadRead, own) || ignored.has(event.sender)) continue;
    const counted = (bit: number, single: readonly UserId[]) =>
      ((event.flags & bit) !== 0 && position <= groupUntil ? 1 : 0) + (single.includes(userId) ? 1 : 0);
    const count = counts.get(thread) ?? { notificationCount: 0, highlightCount: 0 };
    count.notificationCount += counted(GROUP_NOTIFIED, event.notified);
    count.highlightCount += counted(GROUP_HIGHLIGHTED, event.highlighted);
    counts.set(thread, count);
  }
  return counts;
}

it('counts as one would count by hand', () => {
  const position = fc.integer({ min: 0, max: 45 });
  fc.assert(
    fc.property(
      fc.array(eventArbitrary, { maxLength: 40 }),
      fc.record({ unthreaded: position, main: position, one: position, until: position, silenced: position }),
      fc.subarray(users),
      (drafts, at, ignored) => {
        const events = drafts.map((draft, index): NotifyingEvent => {
          const event = { ...draft, position: index + 1 };
          if (event.position !== at.silenced) return event;
          return { ...event, flags: event.flags & CLEARS_ROOM, notified: [], highlighted: [] };
        });
        const room = new RoomNotifications(drafts.map((draft, index) => ({ ...draft, position: index + 1 })));
        room.silence(at.silenced);
        const markers = {
          unthreaded: at.unthreaded,
          threads: new Map([
            ['main', at.main],
            ['$one:x', at.one],
          ]),
        };
        for (const userId of users) {
          for (const groupUntil of [Number.POSITIVE_INFINITY, at.until]) {
            const reader = { userId, groupUntil, ignored: new Set(ignored) };
            const slow = countSlowly(events, reader, markers);
            const fast = room.countsFor(reader, markers);
            const nothing = { notificationCount: 0, highlightCount: 0 };
            expect(fast.main).toEqual(slow.get(null) ?? nothing);
            for (const root of threads) {
              if (root !== null) expect(fast.threads.get(root) ?? nothing).toEqual(slow.get(root) ?? nothing);
            }
            const sum = [...slow.values()].reduce((total, count) => total + count.notificationCount, 0);
            expect(fast.all.notificationCount).toBe(sum);
          }
        }
      },
    ),
  );
});

it('forgets the oldest of very many', () => {
  const room = new RoomNotifications([]);
  let dropped: number | null = null;
  for (let position = 1; position <= MAX_ROOM_NOTIFICATIONS * 1.25 + 1; position++) {
    const event = { position, sender: users[0]!, thread: null, flags: GROUP_NOTIFIED, notified: [], highlighted: [] };
    dropped = room.push(event) ?? dropped;
  }
  const reader = { userId: users[1]!, groupUntil: Number.POSITIVE_INFINITY, ignored: new Set<string>() };
  const { all } = room.countsFor(reader, { unthreaded: 0, threads: new Map() });
  expect(all.notificationCount).toBe(MAX_ROOM_NOTIFICATIONS);
  expect(dropped).toBe(MAX_ROOM_NOTIFICATIONS * 0.25 + 1);
});
