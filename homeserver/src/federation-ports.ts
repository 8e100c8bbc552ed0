// What other servers may do with our rooms, as the federation's routes ask for it.

import type { Sender } from '@carillon/federation/outbound/sender.ts';
import type { MembershipPort, RoomReadPort, TransactionPort } from '@carillon/federation/ports.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import type { FederatedRooms } from './rooms/federated-rooms.ts';
import { receiveEvents } from './rooms/receive-event.ts';
import { receiveInvite } from './rooms/remote-membership.ts';
import {
  serveBackfill,
  serveEvent,
  serveEventAuth,
  serveEventByTime,
  serveMissingEvents,
  serveState,
} from './rooms/serve-events.ts';
import { encodeJoinAnswer, encodeKnockAnswer, makeMembership, takeMembership } from './rooms/serve-membership.ts';

export function membershipPort(rooms: FederatedRooms): MembershipPort {
  return {
    make: (request) => makeMembership(rooms, request),
    async take(request) {
      const taken = await takeMembership(rooms, request);
      if (request.handshake === 'join') return encodeJoinAnswer(rooms, taken);
      return request.handshake === 'knock' ? encodeKnockAnswer(taken) : '{}';
    },
    invite: (request) => receiveInvite(rooms, request),
  };
}

export function roomReadPort(rooms: FederatedRooms): RoomReadPort {
  return {
    event: (origin, eventId) => serveEvent(rooms, origin, eventId),
    state: (request) => serveState(rooms, request),
    eventAuth: async (request) => (await serveEventAuth(rooms, request)).map((event) => event.text),
    eventByTime: (request) => serveEventByTime(rooms, request),
    backfill: (request) => serveBackfill(rooms, request),
    missingEvents: (request) => serveMissingEvents(rooms, request),
  };
}

export interface TransactionParts {
  readonly rooms: FederatedRooms;
  readonly sender: Pick<Sender, 'heardOf'>;
  /** Takes EDUs in. */
  readonly receiveEdu: (origin: ServerName, edu: { type: string; content: JsonObject }) => Promise<void>;
}

export function transactionPort({ rooms, sender, receiveEdu }: TransactionParts): TransactionPort {
  return {
    receiveEvents: (batch) => receiveEvents(rooms, batch),
    receiveEdu,
    heardOf: (origin) => sender.heardOf(origin),
  };
}
