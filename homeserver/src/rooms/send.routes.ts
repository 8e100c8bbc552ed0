// Sending events and taking them back (client-server API, "Sending events to a room", "Redactions").
import { type Caller, type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/client/room-send.ts';
import { putStateEvent } from '@carillon/protocol/client/room-state.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import type { ClientRooms } from './client-rooms.ts';
import { putState } from './put-state.ts';
import { redactEvent } from './redact-event.ts';
import { sendMessage } from './send-message.ts';
import { type SentBy, sentByDevice } from './stored-event.ts';

export const sendRoutes = (rooms: ClientRooms): Handler[] => [
  handle(contracts.sendMessage, async ({ path, query, body, auth }) => {
    const eventId = await sendMessage(rooms, {
      roomId: path.roomId,
      sender: auth.userId,
      type: path.eventType,
      content: body,
      isAdmin: auth.isAdmin,
      originServerTs: timestampOf(auth, query.ts),
      sentBy: sentBy(auth, path.txnId, `send ${path.eventType}`),
    });
    return { event_id: eventId };
  }),
  handle(contracts.redact, async ({ path, query, body, auth }) => {
    const content: JsonObject = body?.reason === undefined ? {} : { reason: body.reason };
    const eventId = await redactEvent(rooms, {
      roomId: path.roomId,
      sender: auth.userId,
      targetId: path.eventId,
      content,
      isAdmin: auth.isAdmin,
      originServerTs: timestampOf(auth, query.ts),
      sentBy: sentBy(auth, path.txnId, `redact ${path.eventId}`),
    });
    return { event_id: eventId };
  }),
  handle(putStateEvent, async ({ path, query, body, auth }) => {
    const eventId = await putState(rooms, {
      roomId: path.roomId,
      sender: auth.userId,
      type: path.eventType,
      stateKey: path.stateKey,
      content: body,
      originServerTs: timestampOf(auth, query.ts),
    });
    return { event_id: eventId };
  }),
];

/** Only app services say when something happened; other clients' `ts` is not looked at. */
function timestampOf(auth: Caller, ts: number | undefined): number | undefined {
  return auth.appservice === null ? undefined : ts;
}

function sentBy({ userId, deviceId }: Caller, transactionId: string, endpointName: string): SentBy {
  return sentByDevice(userId, deviceId ?? '', endpointName, transactionId);
}
