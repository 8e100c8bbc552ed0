// What people say of themselves (client-server API, "Profiles").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

/** A profile as a whole, all keys together, encoded as JSON. */
export const MAX_PROFILE_BYTES = 65_536;
export const MAX_PROFILE_KEY_BYTES = 255;

export const getProfile = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/profile/{userId}',
  aliases: ['/_matrix/client/r0/profile/{userId}'],
  auth: 'optionalAccessToken',
  response: AnyObject,
});

const fieldAliases = [
  '/_matrix/client/r0/profile/{userId}/{keyName}',
  '/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}',
];

export const getProfileField = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/profile/{userId}/{keyName}',
  aliases: fieldAliases,
  auth: 'optionalAccessToken',
  response: AnyObject,
});

export const putProfileField = endpoint({
  method: 'PUT',
  path: '/_matrix/client/v3/profile/{userId}/{keyName}',
  aliases: fieldAliases,
  auth: 'accessToken',
  body: AnyObject,
  response: Type.Object({}),
  maxBodyBytes: 2 * MAX_PROFILE_BYTES,
  rateLimit: 'profile',
});

export const deleteProfileField = endpoint({
  method: 'DELETE',
  path: '/_matrix/client/v3/profile/{userId}/{keyName}',
  aliases: fieldAliases,
  auth: 'accessToken',
  response: Type.Object({}),
  rateLimit: 'profile',
});
