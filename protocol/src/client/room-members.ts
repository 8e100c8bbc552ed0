// Who is in a room (client-server API, "Getting events for a room").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClientStateEvent } from './client-event.ts';

export const MembershipName = Type.Union([
  Type.Literal('join'),
  Type.Literal('invite'),
  Type.Literal('knock'),
  Type.Literal('leave'),
  Type.Literal('ban'),
]);

export const getMembers = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/rooms/{roomId}/members',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/members'],
  auth: 'accessToken',
  query: Type.Object({
    at: Type.Optional(Type.String()),
    membership: Type.Optional(MembershipName),
    not_membership: Type.Optional(MembershipName),
  }),
  response: Type.Object({ chunk: Type.Array(ClientStateEvent) }),
});

export const getJoinedMembers = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/rooms/{roomId}/joined_members',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/joined_members'],
  auth: 'accessToken',
  response: Type.Object({
    joined: Type.Record(
      Type.String(),
      Type.Object({ display_name: Type.Optional(Type.String()), avatar_url: Type.Optional(Type.String()) }),
    ),
  }),
});
