// The authorisation rules of all room versions that depend on the state (rooms/v1 to v12, "Authorisation rules").
import { serverOf } from '@carillon/protocol/identifiers.ts';
import type { StateReader } from '../auth-event-selection.ts';
import { levelToSend, userPower } from '../power-levels.ts';
import type { RoomEvent } from '../room-event.ts';
import type { RoomVersion } from '../room-version.ts';
import { checkAliases } from './aliases-rules.ts';
import { checkCreate } from './create-rules.ts';
import { checkMember } from './member-rules.ts';
import { checkPowerLevels } from './power-levels-rules.ts';
import { checkRedaction } from './redaction-rules.ts';
import { membershipOf, type RuleInput, type VerifyKeyReader } from './rule-input.ts';
import { checkThirdPartyInvite } from './third-party-invite-rules.ts';
import { type AuthVerdict, accepted, rejected } from './verdict.ts';

export interface AuthCheck {
  readonly roomVersion: RoomVersion;
  readonly event: RoomEvent;
  /** The state to judge against, the create event included, also where it is never cited. */
  readonly state: StateReader;
  readonly verifyKeyOf: VerifyKeyReader;
}

/** Judges an event against a state; a create event by itself. Never throws on what an event contains. */
export function checkAuth({ roomVersion, event, state, verifyKeyOf }: AuthCheck): AuthVerdict {
  // 1
  if (event.type === 'm.room.create') return checkCreate(roomVersion, event);
  const create = state('m.room.create', '');
  if (create === undefined) return rejected('2', 'The room has no create event');
  const powerLevels = state('m.room.power_levels', '');
  const input: RuleInput = { roomVersion, event, state, create, powerLevels, verifyKeyOf };
  // 4
  if (!mayFederate(event, create)) return rejected('4', 'The room is open to users of one server only');
  if (event.type === 'm.room.aliases' && roomVersion.aliasesAuthRule) return checkAliases(event);
  // 5
  if (event.type === 'm.room.member') return checkMember(input);
  return checkOther(input);
}

function checkOther(input: RuleInput): AuthVerdict {
  const { roomVersion, event } = input;
  // 6
  if (membershipOf(input, event.sender) !== 'join') return rejected('6', 'The sender is not in the room');
  // 7
  if (event.type === 'm.room.third_party_invite') return checkThirdPartyInvite(input);
  // 8
  const isState = event.stateKey !== undefined;
  if (levelToSend(input, event.type, isState) > userPower(input, event.sender)) {
    return rejected('8', 'The sender has not the power to send this event type');
  }
  // 9
  if (event.stateKey?.startsWith('@') && event.stateKey !== event.sender) {
    return rejected('9', "The state_key is another user's id");
  }
  // 10
  if (event.type === 'm.room.power_levels') return checkPowerLevels(input);
  if (event.type === 'm.room.redaction' && roomVersion.redactionAuthRule) return checkRedaction(input);
  // 11
  return accepted;
}

// As in Synapse, anything but true closes the room, and the target of a membership must be of the room's server too.
function mayFederate(event: RoomEvent, create: RoomEvent): boolean {
  const federate = create.content['m.federate'];
  if (federate === undefined || federate === true) return true;
  const server = serverOf(create.sender);
  if (serverOf(event.sender) !== server) return false;
  if (event.type !== 'm.room.member' || event.stateKey === undefined) return true;
  return event.stateKey.slice(event.stateKey.indexOf(':') + 1) === server;
}
