// Rules 5.2, 5.3 and 5.7: joining and knocking, by the room's m.room.join_rules.
import { isUserId, serverOf } from '@carillon/protocol/identifiers.ts';
import type { JsonValue } from '@carillon/protocol/json.ts';
import { isCreator, levelTo, userPower } from '../power-levels.ts';
import type { RoomEvent } from '../room-event.ts';
import type { RoomVersion } from '../room-version.ts';
import { isSignedBy, membershipOf, type RuleInput } from './rule-input.ts';
import { type AuthVerdict, accepted, rejected } from './verdict.ts';

/**
 * Rule 5.2: a join on another user's authority carries a signature of that user's server; that it is valid is checked on receipt.
 * As in Synapse, this is asked of joins only, and of no event again that state resolution judges.
 */
export function checkAuthoriserSignature(roomVersion: RoomVersion, event: RoomEvent): AuthVerdict {
  const { membership, join_authorised_via_users_server: authoriser } = event.content;
  if (!roomVersion.restricted || membership !== 'join' || authoriser === undefined) return accepted;
  // 5.2.1
  if (isUserId(authoriser) && isSignedBy(event, serverOf(authoriser))) return accepted;
  return rejected('5.2.1', 'The server that authorised the join has not signed it');
}

/** Rule 5.3: a join of this user. */
export function checkJoin(input: RuleInput, target: string): AuthVerdict {
  const { event } = input;
  // 5.3.1
  if (isCreatorsFirstJoin(input, target)) return accepted;
  // 5.3.2
  if (event.sender !== target) return rejected('5.3.2', 'Nobody joins for another user');
  const current = membershipOf(input, target);
  // 5.3.3
  if (current === 'ban') return rejected('5.3.3', 'The sender is banned');
  const isInvited = current === 'join' || current === 'invite';
  switch (effectiveJoinRule(input)) {
    case 'invite':
      // 5.3.4
      return isInvited ? accepted : rejected('5.3.4', 'The sender is not invited');
    case 'restricted':
      // 5.3.5.1
      return isInvited ? accepted : checkAuthoriser(input);
    case 'public':
      // 5.3.6
      return accepted;
    default:
      // 5.3.7
      return rejected('5.3.7', 'The join rule lets nobody in');
  }
}

// additional_creators join like everyone else: only the sender of the create event is meant.
function isCreatorsFirstJoin({ roomVersion, event, create }: RuleInput, target: string): boolean {
  if (event.prevEvents.length !== 1 || event.prevEvents[0] !== create.eventId) return false;
  return roomVersion.implicitCreator ? create.sender === target : isCreator(roomVersion, create, target);
}

function checkAuthoriser(input: RuleInput): AuthVerdict {
  const authoriser = input.event.content['join_authorised_via_users_server'];
  // 5.3.5.2
  if (typeof authoriser !== 'string' || membershipOf(input, authoriser) !== 'join') {
    return rejected('5.3.5.2', 'The join is authorised by nobody in the room');
  }
  if (userPower(input, authoriser) < levelTo(input, 'invite')) {
    return rejected('5.3.5.2', 'The join is authorised by somebody who may not invite');
  }
  // 5.3.5.3
  return accepted;
}

/** Rule 5.7: a knock, in versions that have it. */
export function checkKnock(input: RuleInput, target: string): AuthVerdict {
  const { roomVersion, event } = input;
  const rule = joinRuleOf(input);
  // 5.7.1
  if (rule !== 'knock' && !(rule === 'knock_restricted' && roomVersion.knockRestricted)) {
    return rejected('5.7.1', 'The join rule lets nobody knock');
  }
  // 5.7.2
  if (event.sender !== target) return rejected('5.7.2', 'Nobody knocks for another user');
  // 5.7.3
  const current = membershipOf(input, target);
  if (current !== 'ban' && current !== 'invite' && current !== 'join') return accepted;
  // 5.7.4
  return rejected('5.7.4', 'The sender is in the room, invited or banned');
}

function joinRuleOf({ state }: RuleInput): JsonValue {
  return state('m.room.join_rules', '')?.content['join_rule'] ?? 'invite';
}

/** What the rule means for a join: rules that this version does not know let nobody in. */
function effectiveJoinRule(input: RuleInput): 'invite' | 'restricted' | 'public' | undefined {
  const { knock, restricted, knockRestricted } = input.roomVersion;
  switch (joinRuleOf(input)) {
    case 'public':
      return 'public';
    case 'invite':
      return 'invite';
    case 'knock':
      return knock ? 'invite' : undefined;
    case 'restricted':
      return restricted ? 'restricted' : undefined;
    case 'knock_restricted':
      return knockRestricted ? 'restricted' : undefined;
    default:
      return undefined;
  }
}
