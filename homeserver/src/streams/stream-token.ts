// The token of a place in the stream: `v1.<position>` for what is durable, and where the volatile things (typing,
// presence) of this boot stand: `v1.<position>.<boot id>.<volatile position>`. Where not all messages to
// the device fitted in, `.d<position>` follows: how far those were told. Clients treat it as opaque.

export interface StreamToken {
  /** Everything up to here was delivered. */
  readonly position: number;
  /** Which process gave out the volatile position; null: the client has seen none of it. */
  readonly boot: string | null;
  readonly volatilePosition: number;
  /** How far messages to the device were delivered, where that is less than everything. */
  readonly toDevicePosition?: number;
}

const PATTERN = /^v1\.(\d{1,15})(?:\.([A-Za-z0-9_-]{1,32})\.(\d{1,15}))?(?:\.d(\d{1,15}))?$/;

/** The token as text. */
export function formatStreamToken(token: StreamToken): string {
  const { position, boot, volatilePosition, toDevicePosition } = token;
  const text = boot === null ? `v1.${position}` : `v1.${position}.${boot}.${volatilePosition}`;
  return toDevicePosition === undefined ? text : `${text}.d${toDevicePosition}`;
}

/** The token of a text; null when the text is none. */
export function parseStreamToken(text: string): StreamToken | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const token = { position: Number(match[1]), boot: match[2] ?? null, volatilePosition: Number(match[3] ?? 0) };
  return match[4] === undefined ? token : { ...token, toDevicePosition: Number(match[4]) };
}
