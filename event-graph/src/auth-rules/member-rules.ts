// Rule 5: m.room.member. Joins and knocks are in join-rules.ts, third-party invites in third-party-invite-rules.ts; rule 5.2,
// which depends on no state, is asked in check-auth-events.ts.
import { isUserId } from '@carillon/protocol/identifiers.ts';
import { levelTo, userPower } from '../power-levels.ts';
import { checkJoin, checkKnock } from './join-rules.ts';
import { membershipOf, type RuleInput } from './rule-input.ts';
import { checkInviteByThirdParty } from './third-party-invite-rules.ts';
import { type AuthVerdict, accepted, rejected } from './verdict.ts';

/** Judges a member event against the state. */
export function checkMember(input: RuleInput): AuthVerdict {
  const { roomVersion, event } = input;
  const { membership } = event.content;
  const target = event.stateKey;
  // 5.1; that the state_key be a user id is Synapse's reading.
  if (target === undefined || membership === undefined) return rejected('5.1', 'No state_key or no membership');
  if (!isUserId(target)) return rejected('5.1', 'The state_key is no user id');
  switch (membership) {
    case 'join':
      return checkJoin(input, target);
    case 'invite':
      return checkInvite(input, target);
    case 'leave':
      return checkLeave(input, target);
    case 'ban':
      return checkBan(input, target);
    case 'knock':
      return roomVersion.knock ? checkKnock(input, target) : rejected('5.8', 'Nobody knocks in this room version');
    default:
      return rejected('5.8', 'Unknown membership');
  }
}

function checkInvite(input: RuleInput, target: string): AuthVerdict {
  const { event } = input;
  // 5.4.1
  if (event.content['third_party_invite'] !== undefined) return checkInviteByThirdParty(input, target);
  // 5.4.2
  if (membershipOf(input, event.sender) !== 'join') return rejected('5.4.2', 'The sender is not in the room');
  // 5.4.3
  const current = membershipOf(input, target);
  if (current === 'join' || current === 'ban') return rejected('5.4.3', 'The invited user is in the room or banned');
  // 5.4.4
  if (userPower(input, event.sender) >= levelTo(input, 'invite')) return accepted;
  // 5.4.5
  return rejected('5.4.5', 'The sender has not the power to invite');
}

function checkLeave(input: RuleInput, target: string): AuthVerdict {
  const { roomVersion, event } = input;
  const senderMembership = membershipOf(input, event.sender);
  // 5.5.1
  if (event.sender === target) {
    const mayLeave =
      senderMembership === 'join' ||
      senderMembership === 'invite' ||
      (senderMembership === 'knock' && roomVersion.knock);
    return mayLeave ? accepted : rejected('5.5.1', 'The sender has nothing to leave');
  }
  // 5.5.2
  if (senderMembership !== 'join') return rejected('5.5.2', 'The sender is not in the room');
  const power = userPower(input, event.sender);
  // 5.5.3
  if (membershipOf(input, target) === 'ban' && power < levelTo(input, 'ban')) {
    return rejected('5.5.3', 'The sender has not the power to lift a ban');
  }
  // 5.5.4
  if (power >= levelTo(input, 'kick') && userPower(input, target) < power) return accepted;
  // 5.5.5
  return rejected('5.5.5', 'The sender has not the power to remove this user');
}

function checkBan(input: RuleInput, target: string): AuthVerdict {
  const { event } = input;
  // 5.6.1
  if (membershipOf(input, event.sender) !== 'join') return rejected('5.6.1', 'The sender is not in the room');
  const power = userPower(input, event.sender);
  // 5.6.2
  if (power >= levelTo(input, 'ban') && userPower(input, target) < power) return accepted;
  // 5.6.3
  return rejected('5.6.3', 'The sender has not the power to ban this user');
}
