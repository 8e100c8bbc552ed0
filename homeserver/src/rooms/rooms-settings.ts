// What rooms are built with of the configuration, in our own names.

export interface RoomsSettings {
  readonly defaultRoomVersion: string;
  /** How long people may take back what they said; null: without an end. */
  readonly unsendWindowMs: number | null;
}
