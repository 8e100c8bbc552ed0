// A client's own settings kept on the server (client-server API, module "Client Config"; MSC3391 for deletion).
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

/** One entry's content, encoded as JSON. */
export const MAX_ACCOUNT_DATA_BYTES = 1_048_576;

const MSC3391 = '/_matrix/client/unstable/org.matrix.msc3391';
const global = '/user/{userId}/account_data/{type}';
const ofRoom = '/user/{userId}/rooms/{roomId}/account_data/{type}';

export const getAccountData = endpoint({
  method: 'GET',
  path: `/_matrix/client/v3/user/{userId}/account_data/{type}`,
  aliases: [`/_matrix/client/r0${global}`],
  auth: 'accessToken',
  response: AnyObject,
});

export const putAccountData = endpoint({
  method: 'PUT',
  path: `/_matrix/client/v3/user/{userId}/account_data/{type}`,
  aliases: [`/_matrix/client/r0${global}`, `${MSC3391}${global}`],
  auth: 'accessToken',
  body: AnyObject,
  response: Type.Object({}),
  maxBodyBytes: 2 * MAX_ACCOUNT_DATA_BYTES,
});

export const deleteAccountData = endpoint({
  method: 'DELETE',
  path: '/_matrix/client/unstable/org.matrix.msc3391/user/{userId}/account_data/{type}',
  auth: 'accessToken',
  response: Type.Object({}),
});

export const getRoomAccountData = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}',
  aliases: [`/_matrix/client/r0${ofRoom}`],
  auth: 'accessToken',
  response: AnyObject,
});

export const putRoomAccountData = endpoint({
  method: 'PUT',
  path: '/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}',
  aliases: [`/_matrix/client/r0${ofRoom}`, `${MSC3391}${ofRoom}`],
  auth: 'accessToken',
  body: AnyObject,
  response: Type.Object({}),
  maxBodyBytes: 2 * MAX_ACCOUNT_DATA_BYTES,
});

export const deleteRoomAccountData = endpoint({
  method: 'DELETE',
  path: '/_matrix/client/unstable/org.matrix.msc3391/user/{userId}/rooms/{roomId}/account_data/{type}',
  auth: 'accessToken',
  response: Type.Object({}),
});
