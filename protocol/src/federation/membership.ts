// Coming into a room and out of it by way of another server (server-server API, "Joining Rooms", "Knocking upon a room",
// "Leaving Rooms", "Inviting to a room").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

const Event = Type.Record(Type.String(), Type.Unknown());
const Template = Type.Object({ room_version: Type.String(), event: Event });

export const makeJoin = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/make_join/{roomId}/{userId}',
  auth: 'server',
  query: Type.Object({ ver: Type.Optional(Type.Array(Type.String())) }),
  response: Template,
});

export const makeKnock = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/make_knock/{roomId}/{userId}',
  auth: 'server',
  query: Type.Object({ ver: Type.Optional(Type.Array(Type.String())) }),
  response: Template,
});

export const makeLeave = endpoint({
  method: 'GET',
  path: '/_matrix/federation/v1/make_leave/{roomId}/{userId}',
  auth: 'server',
  response: Template,
});

export const sendJoin = endpoint({
  method: 'PUT',
  path: '/_matrix/federation/v2/send_join/{roomId}/{eventId}',
  auth: 'server',
  query: Type.Object({ omit_members: Type.Optional(Type.Boolean()) }),
  body: Event,
  response: Type.Object({ state: Type.Array(Event), auth_chain: Type.Array(Event), event: Type.Optional(Event) }),
});

/** The first form answers with a list: the status, and then what the second form answers. */
export const sendJoinV1 = endpoint({
  method: 'PUT',
  path: '/_matrix/federation/v1/send_join/{roomId}/{eventId}',
  auth: 'server',
  body: Event,
  response: Type.Array(Type.Unknown()),
});

export const sendKnock = endpoint({
  method: 'PUT',
  path: '/_matrix/federation/v1/send_knock/{roomId}/{eventId}',
  auth: 'server',
  body: Event,
  response: Type.Object({ knock_room_state: Type.Array(Event) }),
});

export const sendLeave = endpoint({
  method: 'PUT',
  path: '/_matrix/federation/v2/send_leave/{roomId}/{eventId}',
  auth: 'server',
  body: Event,
  response: Type.Object({}),
});

export const sendLeaveV1 = endpoint({
  method: 'PUT',
  path: '/_matrix/federation/v1/send_leave/{roomId}/{eventId}',
  auth: 'server',
  body: Event,
  response: Type.Array(Type.Unknown()),
});

export const sendInvite = endpoint({
  method: 'PUT',
  path: '/_matrix/federation/v2/invite/{roomId}/{eventId}',
  auth: 'server',
  body: Type.Object({
    event: Event,
    room_version: Type.String(),
    invite_room_state: Type.Optional(Type.Array(Event)),
  }),
  response: Type.Object({ event: Event }),
});

/** The form of room versions 1 and 2. */
export const sendInviteV1 = endpoint({
  method: 'PUT',
  path: '/_matrix/federation/v1/invite/{roomId}/{eventId}',
  auth: 'server',
  body: Event,
  response: Type.Array(Type.Unknown()),
});
