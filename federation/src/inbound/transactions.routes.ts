// PUT /send: what other servers push (server-server API, "Transactions"). Each room's events go their own way, so that a slow room
// holds up nobody else's; a transaction that comes again gets the answer it had.
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/federation/transactions.ts';
import type { RoomId, ServerName } from '@carillon/protocol/identifiers.ts';
import { isRoomId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { LRUCache } from 'lru-cache';
import type { Reception, TransactionPort } from '../ports.ts';

interface Answer {
  readonly pdus: Record<string, { error?: string }>;
}

/** Transactions whose answers are remembered; events and EDUs that come again beyond that change nothing either. */
const MAX_REMEMBERED = 5_000;

export function transactionRoutes(port: TransactionPort): Handler[] {
  const remembered = new LRUCache<string, { readonly answer: Promise<Answer> }>({ max: MAX_REMEMBERED });
  return [
    handle(contracts.sendTransaction, async ({ path, body, auth: { origin } }) => {
      port.heardOf(origin);
      const key = JSON.stringify([origin, path.txnId]);
      const before = remembered.get(key);
      if (before !== undefined) return before.answer;
      const answer = receive(port, origin, {
        pdus: (body.pdus ?? []).filter(isJsonObject),
        edus: body.edus ?? [],
      });
      remembered.set(key, { answer });
      // What failed is to be sent again.
      answer.catch(() => remembered.delete(key));
      return answer;
    }),
  ];
}

interface Transaction {
  readonly pdus: readonly JsonObject[];
  readonly edus: readonly { edu_type: string; content: Record<string, unknown> }[];
}

async function receive(port: TransactionPort, origin: ServerName, { pdus, edus }: Transaction): Promise<Answer> {
  const byRoom = new Map<RoomId, JsonObject[]>();
  for (const pdu of pdus) {
    const roomId = roomOf(pdu);
    if (roomId === null) continue;
    const batch = byRoom.get(roomId);
    if (batch === undefined) byRoom.set(roomId, [pdu]);
    else batch.push(pdu);
  }
  const receptions = await Promise.all(
    Array.from(byRoom, ([roomId, batch]) => port.receiveEvents({ roomId, origin, pdus: batch })),
  );
  for (const { edu_type: type, content } of edus) {
    if (isJsonObject(content)) await port.receiveEdu(origin, { type, content });
  }
  return { pdus: resultsOf(receptions.flat()) };
}

function roomOf(pdu: JsonObject): RoomId | null {
  const roomId = pdu['room_id'];
  return isRoomId(roomId) ? roomId : null;
}

function resultsOf(receptions: readonly Reception[]): Answer['pdus'] {
  const results: Answer['pdus'] = {};
  for (const { eventId, error } of receptions) {
    if (eventId !== null) results[eventId] = error === null ? {} : { error };
  }
  return results;
}
