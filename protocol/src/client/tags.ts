// Labels that a person puts on rooms (client-server API, module "Room Tagging").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

export const MAX_TAG_BYTES = 255;

export const listTags = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags',
  aliases: ['/_matrix/client/r0/user/{userId}/rooms/{roomId}/tags'],
  auth: 'accessToken',
  response: Type.Object({ tags: AnyObject }),
});

export const putTag = endpoint({
  method: 'PUT',
  path: '/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}',
  aliases: ['/_matrix/client/r0/user/{userId}/rooms/{roomId}/tags/{tag}'],
  auth: 'accessToken',
  body: AnyObject,
  response: Type.Object({}),
  maxBodyBytes: 65_536,
});

export const deleteTag = endpoint({
  method: 'DELETE',
  path: '/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}',
  aliases: ['/_matrix/client/r0/user/{userId}/rooms/{roomId}/tags/{tag}'],
  auth: 'accessToken',
  response: Type.Object({}),
});
