// Which state an event may and should cite in auth_events (server-server API, "Auth events selection").
import { ownMember } from './own-member.ts';
import type { RoomEvent } from './room-event.ts';
import type { RoomVersion } from './room-version.ts';

/** What the selection looks at: an event that is still being built has all of it. */
export type EventToAuthorise = Pick<RoomEvent, 'type' | 'stateKey' | 'sender' | 'content'>;

export type StateReader = (type: string, stateKey: string) => RoomEvent | undefined;

const MEMBERSHIPS_UNDER_JOIN_RULES: ReadonlySet<unknown> = new Set(['join', 'invite', 'knock']);

/** The keys the event may cite, without repetition; none for a create event. */
export function authEventKeys(roomVersion: RoomVersion, event: EventToAuthorise): [type: string, stateKey: string][] {
  if (event.type === 'm.room.create') return [];
  const keys: [string, string][] = [
    ['m.room.power_levels', ''],
    ['m.room.member', event.sender],
  ];
  if (!roomVersion.createNotCited) keys.unshift(['m.room.create', '']);
  if (event.type === 'm.room.member') addMemberKeys(roomVersion, event, keys);
  return keys;
}

function addMemberKeys(roomVersion: RoomVersion, event: EventToAuthorise, keys: [string, string][]): void {
  const { content, sender, stateKey } = event;
  const { membership } = content;
  if (stateKey !== undefined && stateKey !== sender) keys.push(['m.room.member', stateKey]);
  if (MEMBERSHIPS_UNDER_JOIN_RULES.has(membership)) keys.push(['m.room.join_rules', '']);
  if (membership === 'invite') {
    const token = ownMember(ownMember(content['third_party_invite'], 'signed'), 'token');
    if (typeof token === 'string') keys.push(['m.room.third_party_invite', token]);
  }
  if (membership === 'join' && roomVersion.restricted) {
    const authoriser = content['join_authorised_via_users_server'];
    if (typeof authoriser !== 'string' || authoriser === sender || authoriser === stateKey) return;
    keys.push(['m.room.member', authoriser]);
  }
}

/** The events of the state that the event should cite. */
export function selectAuthEvents(roomVersion: RoomVersion, event: EventToAuthorise, state: StateReader): RoomEvent[] {
  const selected: RoomEvent[] = [];
  for (const [type, stateKey] of authEventKeys(roomVersion, event)) {
    const found = state(type, stateKey);
    if (found !== undefined) selected.push(found);
  }
  return selected;
}
