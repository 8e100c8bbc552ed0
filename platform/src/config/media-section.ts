// What the media repository can be told; the homeserver reads the same section to know where it is.
import { Type } from 'typebox';
import { optionalDuration, optionalSize, path, rate, secret, size } from './config-schema.ts';

const optionalText = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));

export const mediaConfig = Type.Object({
  url: optionalText(
    'Where a media repository runs that npm start does not start itself, such as http://10.0.0.2:8009. Without it one runs beside the homeserver.',
  ),
  listen: optionalText('Where the media repository listens when it runs alone, as host:port.'),
  homeserver_url: optionalText(
    'Where a media repository that runs alone asks who calls: the homeserver, such as http://10.0.0.1:8008.',
  ),
  token_key: secret({
    description:
      'What homeserver and media repository know each other by, 32 characters or more. Without it: media.key in the data folder.',
  }),
  dir: path({ description: 'The folder for files. Without it: media in the data folder.' }),
  max_upload: size({
    default: '50 MB',
    description: 'The largest file of any kind, encrypted ones included; the kinds below may have less.',
  }),
  max_image: size({ default: '5 MB', description: 'The largest JPEG, PNG, GIF, WebP or AVIF, by its content.' }),
  max_video: size({ default: '50 MB', description: 'The largest MP4 or WebM.' }),
  max_audio: size({ default: '10 MB', description: 'The largest MP3, WAV or Ogg.' }),
  max_document: size({ default: '10 MB', description: 'The largest PDF or DOCX.' }),
  user_quota: optionalSize({ description: 'What all files of a user may take together.' }),
  user_daily_quota: optionalSize({ description: 'What a user may upload in 24 hours.' }),
  free_space_floor: size({
    default: '1 GB',
    description: 'With less than this free on the disk, nothing is taken or kept any more.',
  }),
  upload_rate: rate({
    default: '20000/s burst 500000',
    description: 'Kilobytes that one user, and one address, may upload.',
  }),
  pending_uploads: Type.Integer({
    default: 50,
    minimum: 1,
    description: 'Uploads that a user may have announced and not begun.',
  }),
  pending_lifetime: optionalDuration({ default: '24h', description: 'How long an announced upload may wait.' }),
  max_pixels: Type.Integer({
    default: 64_000_000,
    minimum: 1,
    description: 'Pictures with more pixels (all frames together) get no thumbnails.',
  }),
  thumbnail_workers: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 64,
    description: 'Processes that make thumbnails at a time.',
  }),
  thumbnail_lifetime: optionalDuration({
    default: '30d',
    description: 'Thumbnails that nobody asked for in this time are deleted, and made again when wanted.',
  }),
  remote_lifetime: optionalDuration({
    default: '90d',
    description: "Other servers' files that nobody asked for in this time are deleted here.",
  }),
  local_lifetime: optionalDuration({
    description: "This server's own files that nobody asked for in this time are deleted for good, on every backend.",
  }),
  local_dry_run: Type.Boolean({
    default: true,
    description: 'Whether local_lifetime only says in the log what it would delete.',
  }),
  legacy_until: optionalText(
    'Files from before this time (such as 2025-01-01T00:00:00Z) are also served without a token, on the old paths.',
  ),
  previews: Type.Boolean({ default: true, description: 'Whether the server looks at links for people.' }),
  preview_language: Type.String({ default: 'en', description: 'The languages that pages are asked for in.' }),
  s3_bucket: optionalText('The bucket that holds all files instead of the disk.'),
  s3_region: Type.String({ default: 'us-east-1', description: 'Its region.' }),
  s3_endpoint: optionalText('The URL of the service, where it is not that of AWS.'),
  s3_path_style: Type.Boolean({
    default: false,
    description: 'Whether the bucket is named in the path, not the host.',
  }),
  s3_prefix: Type.String({ default: '', description: 'What the keys of all objects begin with.' }),
  s3_access_key: optionalText('The access key. Without it, and the secret one, those of the environment.'),
  s3_secret_key: secret({ description: 'The secret access key.' }),
  scan_clamd: optionalText('clamd, as host:port or unix:/path: every new file is shown to it.'),
  scan_url: optionalText(
    'A URL that every new file is posted to: 2xx lets it in, 4xx refuses it, anything else is a failure.',
  ),
  scan_required: Type.Boolean({ default: true, description: 'Whether files are refused while the scanner fails.' }),
});
