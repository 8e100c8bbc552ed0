// Networks behind app services (client-server API, "Third-party Networks").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

const base = '/_matrix/client/v3/thirdparty';
const old = '/_matrix/client/r0/thirdparty';
const List = Type.Array(AnyObject);
/** Besides these, whatever fields a protocol has. */
const Fields = Type.Object({}, { additionalProperties: Type.String() });

export const getProtocols = endpoint({
  method: 'GET',
  path: `${base}/protocols`,
  aliases: [`${old}/protocols`],
  auth: 'accessToken',
  response: Type.Record(Type.String(), AnyObject),
});

export const getProtocol = endpoint({
  method: 'GET',
  path: `${base}/protocol/{protocol}`,
  aliases: [`${old}/protocol/{protocol}`],
  auth: 'accessToken',
  response: AnyObject,
});

export const findLocations = endpoint({
  method: 'GET',
  path: `${base}/location/{protocol}`,
  aliases: [`${old}/location/{protocol}`],
  auth: 'accessToken',
  query: Fields,
  response: List,
});

export const findUsers = endpoint({
  method: 'GET',
  path: `${base}/user/{protocol}`,
  aliases: [`${old}/user/{protocol}`],
  auth: 'accessToken',
  query: Fields,
  response: List,
});

export const findLocationsOfAlias = endpoint({
  method: 'GET',
  path: `${base}/location`,
  aliases: [`${old}/location`],
  auth: 'accessToken',
  query: Type.Object({ alias: Type.String() }),
  response: List,
});

export const findUsersOfId = endpoint({
  method: 'GET',
  path: `${base}/user`,
  aliases: [`${old}/user`],
  auth: 'accessToken',
  query: Type.Object({ userid: Type.String() }),
  response: List,
});
