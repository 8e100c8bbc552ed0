// What a new event does to a room's readers: judged once for everyone with the default rules, and singly only for those
// with rules of their own, those it mentions and the one it invites.
import { userPower } from '@carillon/event-graph/power-levels.ts';
import { type EventId, type ServerName, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { threadOf } from '../ephemeral/event-thread.ts';
import type { PlacedEvent } from '../rooms/placed-event.ts';
import type { Room } from '../rooms/room.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { defaultRuleset } from './default-push-rules.ts';
import type { PushRuleBook } from './push-rule-book.ts';
import { evaluatePushRules, type PushAction, type PushContext, pushEvent, type Ruleset } from './push-rules.ts';

/** What an event does to one reader. */
interface Effect {
  readonly notifies: boolean;
  readonly highlights: boolean;
}

export interface Judgement {
  /** The root of its thread; null: the main timeline. */
  readonly thread: EventId | null;
  /** For every local member with the default rules, save its sender. */
  readonly group: Effect;
  /** Local users beyond the group. */
  readonly notified: readonly UserId[];
  readonly highlighted: readonly UserId[];
  /** True for a join: whoever joins has nothing unread before. */
  readonly clearsRoom: boolean;
}

export interface JudgeDependencies {
  readonly serverName: ServerName;
  readonly rules: PushRuleBook;
}

const NOTHING: Effect = { notifies: false, highlights: false };
/** No user has this id: of the rules that name a user, none matches. */
const GROUP_RULES = defaultRuleset('@:');
/** Mentioned users that are looked at in one event. */
const MAX_MENTIONS = 1_000;

/** Judges an accepted event that is about to be written; null when it changes nobody's counts. */
export function judgeEvent(
  { serverName, rules }: JudgeDependencies,
  room: Room,
  placed: PlacedEvent,
): Judgement | null {
  const { event } = placed;
  if (event.verdict !== 'accepted' || event.position < 0) return null;
  const clearsRoom = isLocalJoin(placed, serverName);
  const readers = singleReaders({ serverName, rules }, room, event);
  const hasGroup = room.joinedLocalUsers.size > (room.joinedLocalUsers.has(event.sender) ? 1 : 0);
  const marksRead = clearsRoom || (event.stateKey === undefined && room.joinedLocalUsers.has(event.sender));
  if (!hasGroup && readers.size === 0 && !marksRead) return null;
  const judge = judgeOf(room, placed);
  const group = hasGroup ? judge(GROUP_RULES, null) : NOTHING;
  const notified: UserId[] = [];
  const highlighted: UserId[] = [];
  for (const userId of readers) {
    const own = rules.own.get(userId);
    const effect = judge(own?.ruleset ?? defaultRuleset(userId), userId);
    const shared = own === undefined && room.joinedLocalUsers.has(userId) ? group : NOTHING;
    if (effect.notifies && !shared.notifies) notified.push(userId);
    if (effect.highlights && !shared.highlights) highlighted.push(userId);
  }
  if (!group.notifies && notified.length === 0 && !marksRead) return null;
  const thread = threadOf(event, (eventId) => room.timeline.find(eventId));
  return { thread, group, notified, highlighted, clearsRoom };
}

function isLocalJoin({ event, stateBefore }: PlacedEvent, serverName: ServerName): boolean {
  if (event.type !== 'm.room.member' || event.stateKey === undefined || event.content['membership'] !== 'join') {
    return false;
  }
  if (serverOf(event.stateKey as UserId) !== serverName) return false;
  return stateBefore.get('m.room.member', event.stateKey)?.content['membership'] !== 'join';
}

/** Those whom the group's judgement may not fit. */
function singleReaders({ serverName, rules }: JudgeDependencies, room: Room, event: StoredEvent): Set<UserId> {
  const readers = new Set<UserId>();
  const [fewer, more] = bySize(rules.own, room.joinedLocalUsers);
  for (const userId of fewer.keys()) if (more.has(userId)) readers.add(userId);
  for (const userId of mentionedUsers(event)) if (room.joinedLocalUsers.has(userId)) readers.add(userId);
  const invited =
    event.type === 'm.room.member' && event.content['membership'] === 'invite' ? event.stateKey : undefined;
  if (invited !== undefined && serverOf(invited as UserId) === serverName) readers.add(invited as UserId);
  readers.delete(event.sender);
  return readers;
}

interface Users {
  readonly size: number;
  keys(): Iterable<UserId>;
  has(userId: UserId): boolean;
}

function bySize(one: Users, other: Users): [Users, Users] {
  return one.size <= other.size ? [one, other] : [other, one];
}

function mentionedUsers(event: StoredEvent): readonly UserId[] {
  const mentions = event.content['m.mentions'];
  const userIds = isJsonObject(mentions) ? mentions['user_ids'] : undefined;
  if (!Array.isArray(userIds)) return [];
  return userIds.slice(0, MAX_MENTIONS).filter((userId) => typeof userId === 'string') as UserId[];
}

/** The event made ready: what many rules look at is worked out at most once, and only when one asks. */
function judgeOf(room: Room, { event, stateBefore }: PlacedEvent): (rules: Ruleset, userId: UserId | null) => Effect {
  const prepared = pushEvent(event.json);
  const powerLevels = stateBefore.get('m.room.power_levels', '');
  let senderPowerLevel: number | undefined;
  const shared = {
    joinedMembers: room.joinedCount,
    get senderPowerLevel(): number {
      senderPowerLevel ??= userPower(
        { roomVersion: room.version, create: stateBefore.get('m.room.create', ''), powerLevels },
        event.sender,
      );
      return senderPowerLevel;
    },
    get notificationLevels(): JsonObject {
      const levels = powerLevels?.content['notifications'];
      return isJsonObject(levels) ? levels : {};
    },
  };
  return (rules, userId) => effectOf(evaluatePushRules(rules, prepared, contextFor(shared, stateBefore, userId)));
}

function contextFor(
  shared: Omit<PushContext, 'displayName'>,
  state: PlacedEvent['stateBefore'],
  userId: UserId | null,
): PushContext {
  return {
    joinedMembers: shared.joinedMembers,
    get senderPowerLevel() {
      return shared.senderPowerLevel;
    },
    get notificationLevels() {
      return shared.notificationLevels;
    },
    get displayName() {
      const name = userId === null ? undefined : state.get('m.room.member', userId)?.content['displayname'];
      return typeof name === 'string' ? name : undefined;
    },
  };
}

function effectOf(actions: readonly PushAction[]): Effect {
  if (!actions.includes('notify')) return NOTHING;
  const highlights = actions.some(
    (action) => typeof action !== 'string' && action.set_tweak === 'highlight' && (action.value ?? true) === true,
  );
  return { notifies: true, highlights };
}
