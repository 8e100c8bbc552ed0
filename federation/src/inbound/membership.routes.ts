// make_ and send_, and invites (server-server API, "Joining Rooms", "Inviting to a room", "Leaving Rooms", "Knocking upon a room").
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/federation/membership.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { badJson } from '@carillon/protocol/matrix-error.ts';
import type { MembershipPort } from '../ports.ts';

export const membershipRoutes = (port: MembershipPort): Handler[] => [
  ...makeRoutes(port),
  ...sendRoutes(port),
  ...inviteRoutes(port),
];

/** A server that names no room versions knows the first only. */
const FIRST_VERSION = ['1'];

type Template = { room_version: string; event: Record<string, unknown> };

const makeRoutes = (port: MembershipPort): Handler[] => [
  handle(contracts.makeJoin, async ({ path, query, auth }) => {
    const versions = query.ver ?? FIRST_VERSION;
    return (await port.make({ ...path, handshake: 'join', origin: auth.origin, versions })) as Template;
  }),
  handle(contracts.makeKnock, async ({ path, query, auth }) => {
    const versions = query.ver ?? FIRST_VERSION;
    return (await port.make({ ...path, handshake: 'knock', origin: auth.origin, versions })) as Template;
  }),
  handle(contracts.makeLeave, async ({ path, auth }) => {
    return (await port.make({ ...path, handshake: 'leave', origin: auth.origin, versions: null })) as Template;
  }),
];

const sendRoutes = (port: MembershipPort): Handler[] => [
  handle(contracts.sendJoin, async ({ path, body, auth }) => {
    const request = { ...path, origin: auth.origin, event: asEvent(body) };
    return new EncodedJson(await port.take({ ...request, handshake: 'join' }));
  }),
  handle(contracts.sendJoinV1, async ({ path, body, auth }) => {
    const request = { ...path, origin: auth.origin, event: asEvent(body) };
    return new EncodedJson(`[200,${await port.take({ ...request, handshake: 'join' })}]`);
  }),
  handle(contracts.sendKnock, async ({ path, body, auth }) => {
    const request = { ...path, origin: auth.origin, event: asEvent(body) };
    return new EncodedJson(await port.take({ ...request, handshake: 'knock' }));
  }),
  handle(contracts.sendLeave, async ({ path, body, auth }) => {
    const request = { ...path, origin: auth.origin, event: asEvent(body) };
    return new EncodedJson(await port.take({ ...request, handshake: 'leave' }));
  }),
  handle(contracts.sendLeaveV1, async ({ path, body, auth }) => {
    const request = { ...path, origin: auth.origin, event: asEvent(body) };
    return new EncodedJson(`[200,${await port.take({ ...request, handshake: 'leave' })}]`);
  }),
];

const inviteRoutes = (port: MembershipPort): Handler[] => [
  handle(contracts.sendInvite, async ({ path, body, auth }) => {
    const event = await port.invite({
      ...path,
      origin: auth.origin,
      event: asEvent(body.event),
      roomVersion: body.room_version,
      roomState: asStates(body.invite_room_state),
    });
    return { event };
  }),
  handle(contracts.sendInviteV1, async ({ path, body, auth }) => {
    const event = asEvent(body);
    const unsigned = event['unsigned'];
    const roomState = asStates(isJsonObject(unsigned) ? unsigned['invite_room_state'] : undefined);
    const signed = await port.invite({ ...path, origin: auth.origin, event, roomVersion: '1', roomState });
    return [200, { event: signed }];
  }),
];

function asEvent(body: unknown): JsonObject {
  if (!isJsonObject(body as JsonValue)) throw badJson('An event is a JSON object');
  return body as JsonObject;
}

/** Room state in an invite; what is no object counts for nothing. */
function asStates(state: unknown): JsonObject[] {
  return Array.isArray(state) ? state.filter((one) => isJsonObject(one as JsonValue)) : [];
}
