// What a server says of itself (client-server API, "API Versions", "Capabilities negotiation", "Server Discovery").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

export const getVersions = endpoint({
  method: 'GET',
  path: '/_matrix/client/versions',
  auth: 'none',
  response: Type.Object({
    versions: Type.Array(Type.String()),
    unstable_features: Type.Record(Type.String(), Type.Boolean()),
  }),
});

export const getCapabilities = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/capabilities',
  aliases: ['/_matrix/client/r0/capabilities'],
  auth: 'accessToken',
  response: Type.Object({ capabilities: Type.Record(Type.String(), Type.Unknown()) }),
});

export const getWellKnown = endpoint({
  method: 'GET',
  path: '/.well-known/matrix/client',
  auth: 'none',
  response: Type.Object({ 'm.homeserver': Type.Object({ base_url: Type.String() }) }),
});

const Health = Type.Object({ status: Type.String() });

export const isLive = endpoint({ method: 'GET', path: '/health/live', auth: 'none', response: Health });
export const isReady = endpoint({
  method: 'GET',
  path: '/health/ready',
  aliases: ['/health'],
  auth: 'none',
  response: Health,
});
